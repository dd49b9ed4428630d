/** Packages without types, as far as they are used here. */
type PlainEventSource = import('./node/event-source-follower.js').EventSourceLike;

declare module 'eventsource-2' {
  const EventSource: new (url: string) => PlainEventSource;
  // biome-ignore lint/style/noDefaultExport: it is what the package has
  export default EventSource;
}

declare module 'launchdarkly-eventsource' {
  export const EventSource: new (url: string) => PlainEventSource;
}
