/** Packages without types, as far as they are used here. */
interface PlainEventSource {
  readonly readyState: number;
  addEventListener(
    type: string,
    listener: (message: { data: string; lastEventId: string }) => void,
  ): void;
  close(): void;
}

declare module 'eventsource-2' {
  const EventSource: new (url: string) => PlainEventSource;
  // biome-ignore lint/style/noDefaultExport: it is what the package has
  export default EventSource;
}

declare module 'launchdarkly-eventsource' {
  export const EventSource: new (url: string) => PlainEventSource;
}
