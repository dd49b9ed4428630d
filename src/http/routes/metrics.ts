import type { FastifyInstance } from 'fastify';

/** Numbers in a text format. */
export interface Exposition {
  readonly contentType: string;
  text(): Promise<string>;
}

/** `/metrics`: for Prometheus. */
export function metricsRoute(app: FastifyInstance, metrics: Exposition): void {
  app.get('/metrics', { config: { access: 'metrics' } }, async (_request, reply) => {
    return reply.type(metrics.contentType).send(await metrics.text());
  });
}
