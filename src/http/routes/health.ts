import type { FastifyInstance } from 'fastify';
import { ServiceError } from '../../errors.js';
import type { StreamManager } from '../../store/stream-manager.js';
import type { Draining } from '../server/draining.js';

/** `/healthz`: the process answers. `/readyz`: it can serve. */
export function healthRoutes(
  app: FastifyInstance,
  streams: StreamManager,
  draining: Draining,
): void {
  const options = { config: { access: 'public' } } as const; // for probes, which have no key
  app.get('/healthz', options, async () => ({ status: 'ok' }));
  app.get('/readyz', options, async () => {
    if (draining.isAnnounced) throw new ServiceError('draining', 'this node is shutting down');
    await streams.ping();
    return { status: 'ready' };
  });
}
