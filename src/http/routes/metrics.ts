import type { FastifyInstance } from 'fastify';
import { z } from 'zod';

const schema = {
  operationId: 'getMetrics',
  tags: ['Operators'],
  summary: 'Get the metrics for Prometheus',
  response: {
    200: {
      description: 'The metrics of this node.',
      content: {
        'text/plain': {
          schema: z.string(),
          examples: { example: { value: '# TYPE rejoin_feeds_open gauge\nrejoin_feeds_open 3\n' } },
        },
      },
    },
  },
  problems: ['backend_unavailable'],
} as const;

/** Metrics in a text format. */
export interface Exposition {
  readonly contentType: string;
  text(): Promise<string>;
}

/** `/metrics`: for Prometheus. */
export function metricsRoute(app: FastifyInstance, metrics: Exposition): void {
  app.get('/metrics', { schema, config: { access: 'metrics' } }, async (_request, reply) => {
    return reply.type(metrics.contentType).send(await metrics.text());
  });
}
