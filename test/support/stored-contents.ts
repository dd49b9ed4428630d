import type { ServiceProcess } from './service-process.js';
import { eventsUrl } from './worker.js';

/** The content of each event that is stored, or of the first ones. */
export async function allContents(
  service: ServiceProcess,
  mid: string,
  most = Number.POSITIVE_INFINITY,
): Promise<string[]> {
  const contents: string[] = [];
  while (contents.length < most) {
    const url = `${eventsUrl(service.url, 's1', mid)}?offset=${contents.length}`;
    const { events } = (await (await fetch(url)).json()) as { events: { content: string }[] };
    if (events.length === 0) break;
    contents.push(...events.map(({ content }) => content));
  }
  return contents;
}
