import { pageOrigin } from './engines/engine.js';
import { engines } from './engines/engines.js';
import type { ForeignClient } from './foreign-client.js';
import { aiSdks } from './node/ai-sdk.js';
import { eventSources } from './node/event-sources.js';
import { fetchClients } from './node/fetch-clients.js';
import { programs } from './node/programs.js';
import { pageClients } from './page/page-clients.js';

/** In the order of the table. A client with an option stands behind the same one without. */
export const allClients: readonly ForeignClient[] = [
  ...eventSources,
  ...fetchClients,
  ...aiSdks,
  ...engines,
  ...pageClients,
  ...programs,
];

/** What they need of the service: the origins of pages in `CORS_ORIGINS`. */
export async function settingsForAll(): Promise<Readonly<Record<string, string>>> {
  return { CORS_ORIGINS: await pageOrigin() };
}
