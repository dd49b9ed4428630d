import type { FastifyInstance } from 'fastify';
import { ServiceError } from '../errors.js';
import type { Feeds } from '../feed/feeds.js';
import type { StreamManager } from '../streams/stream-manager.js';

/** `/healthz`: the process answers. `/readyz`: it can serve. */
export function healthRoutes(app: FastifyInstance, streams: StreamManager, feeds: Feeds): void {
  app.get('/healthz', async () => ({ status: 'ok' }));
  app.get('/readyz', async () => {
    if (feeds.isDraining) throw new ServiceError('draining', 'this node is shutting down');
    await streams.ping();
    return { status: 'ready' };
  });
}
