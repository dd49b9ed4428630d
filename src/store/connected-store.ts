import type { StreamManager } from './stream-manager.js';

/** What a connection to a store is for. */
export type ConnectionUse = 'commands' | 'notifications';

/** An ability of stream managers that reach their store over connections. */
export interface ConnectedStore {
  /** Whether each connection stands, as far as is known without asking. */
  readonly connections: Readonly<Record<ConnectionUse, boolean>>;
}

export function isConnectedStore(
  streams: StreamManager,
): streams is StreamManager & ConnectedStore {
  return 'connections' in streams;
}
