import { json, type Operation } from './operation.js';

export const deleteStream: Operation = {
  id: 'deleteStream',
  tag: 'Operators',
  summary: 'Forget a stream',
  description:
    'Open feeds get a `reset`. For 60 seconds no worker that knows nothing begins it anew.',
  answers: { 204: { description: 'It is gone, if there was one.' } },
  problems: [],
  usesStore: true,
};

export const deleteSession: Operation = {
  id: 'deleteSession',
  tag: 'Operators',
  summary: 'Forget all streams of a session, one after another',
  answers: { 204: { description: 'They are gone, if there were any.' } },
  problems: [],
  usesStore: true,
};

const state = (value: string) => ({
  type: 'object',
  properties: { status: { const: value } },
  required: ['status'],
  additionalProperties: false,
});

export const health: Operation = {
  id: 'getHealth',
  tag: 'Operators',
  summary: 'Ask whether the process is alive',
  answers: { 200: { description: 'It is.', content: json(state('ok'), { status: 'ok' }) } },
  problems: [],
};

export const readiness: Operation = {
  id: 'getReadiness',
  tag: 'Operators',
  summary: 'Ask whether the node can serve',
  answers: {
    200: { description: 'It can.', content: json(state('ready'), { status: 'ready' }) },
  },
  problems: ['backend_unavailable', 'draining'],
};

export const metrics: Operation = {
  id: 'getMetrics',
  tag: 'Operators',
  summary: 'Get the numbers for Prometheus',
  answers: {
    200: {
      description: 'The numbers of this node.',
      content: {
        'text/plain': {
          schema: { type: 'string' },
          examples: { example: { value: '# TYPE rejoin_feeds_open gauge\nrejoin_feeds_open 3\n' } },
        },
      },
    },
  },
  problems: ['backend_unavailable'],
};
