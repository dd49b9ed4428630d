import type { ForeignClient } from './foreign-client.js';
import { aiSdks } from './node/ai-sdk.js';
import { eventSources } from './node/event-sources.js';
import { fetchClients } from './node/fetch-clients.js';
import { programs } from './node/programs.js';

/** In the order of the table. A client with an option stands behind the same one without. */
export const allClients: readonly ForeignClient[] = [
  ...eventSources,
  ...fetchClients,
  ...aiSdks,
  ...programs,
];

/** What they need of the service: the origins of pages in `CORS_ORIGINS`. */
export async function settingsForAll(): Promise<Readonly<Record<string, string>>> {
  return {};
}
