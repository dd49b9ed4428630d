import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { ServiceError } from '../../errors.js';
import type { StreamManager } from '../../store/stream-manager.js';
import type { Draining } from '../server/draining.js';
import { jsonContent } from './route-metadata.js';

const healthSchema = {
  operationId: 'getHealth',
  tags: ['Operators'],
  summary: 'Check that the process is alive',
  response: { 200: { description: 'It is.', content: state('ok') } },
} as const;

const readinessSchema = {
  operationId: 'getReadiness',
  tags: ['Operators'],
  summary: 'Check that the node can serve requests',
  response: { 200: { description: 'It can.', content: state('ready') } },
  problems: ['backend_unavailable', 'draining'],
} as const;

function state(status: string) {
  return jsonContent(z.strictObject({ status: z.literal(status) }), { status });
}

/** `/healthz`: the process responds. `/readyz`: it can serve. */
export function healthRoutes(
  app: FastifyInstance,
  streams: StreamManager,
  draining: Draining,
): void {
  const config = { access: 'public' } as const; // for probes, which have no key
  app.get('/healthz', { schema: healthSchema, config }, async () => ({ status: 'ok' }));
  app.get('/readyz', { schema: readinessSchema, config }, async () => {
    if (draining.isAnnounced) throw new ServiceError('draining', 'this node is shutting down');
    await streams.ping();
    return { status: 'ready' };
  });
}
