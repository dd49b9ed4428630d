import { lastEventIdHeader, noStoreHeader } from './headers.js';
import { type Header, json, type Operation } from './operation.js';
import { pageRef, statusWithProducerRef, streamListRef } from './schemas.js';

const event = {
  id: 'a1',
  type: 'answer',
  content: 'Cats sleep.',
  done: true,
  timestamp: '2026-01-01T12:00:02Z',
};

const status = {
  nextOffset: 1,
  nextId: '1-3592a1b6',
  streamStatus: 'open',
  createdAt: '2026-01-01T12:00:02.120Z',
  updatedAt: '2026-01-01T12:00:02.120Z',
  expiresAt: '2026-01-01T13:00:02.120Z',
  ttlSeconds: 3600,
};

const refused: Header = {
  name: 'Stream-Refused',
  description: 'The feed cannot be served now, and ends at once: come back later.',
  schema: { enum: ['draining', 'backend_unavailable', 'too_many_feeds', 'rate_limited'] },
};

const feedHeaders: readonly Header[] = [
  {
    name: 'Cache-Control',
    description: 'No proxy is to keep the feed, or to change it.',
    schema: { const: 'no-cache, no-store, no-transform' },
    required: true,
  },
  {
    name: 'X-Accel-Buffering',
    description: 'Nor to hold it back.',
    schema: { const: 'no' },
    required: true,
  },
];

const feedDescription = `
Delivers what there is and then what comes, over server-sent events. A reader that was cut off comes back
with the last id that it saw, by \`Last-Event-ID\` or \`?lastEventId=\`, and gets each later event once and in order.

- Each event is one frame, with its \`id\` and the event on one \`data:\` line. Frames have no name, unless \`named\` is true.
- With \`compact\`, stored chunks next to one another of one \`type\` and \`id\` come as the last of them, with the \`content\` of
  all. Its frame's id goes on after the last one. What comes live comes as it is.
- With \`control\`, a page hears of the state of the feed in events: \`heartbeat\`, of which the first comes at once and each
  says in \`intervalMs\` how often they come, \`up-to-date\` and \`not-found\`. None has an id.
- \`event: reset\` says that the stream behind the id is gone or another one: forget what you have, it comes again.
- \`event: malformed\` stands for an element that another program wrote and that is no event.
- Any end without a terminal event means: come back with the last id. **204** means: you have all of it, or there is no
  stream, as you were told before.
- An EventSource gives up after any other status than 200. So what cannot be served now is a 200 with
  \`Stream-Refused\` that breaks off at once.`;

const feedExamples = {
  events: {
    summary: 'Events',
    value: `retry: 2000\n: connected\ndata: ${JSON.stringify(event)}\nid: 1-3592a1b6\n\n`,
  },
  control: {
    summary: 'Events of the feed itself, with `control`',
    value:
      'event: heartbeat\ndata: {"intervalMs":15000}\n\nevent: up-to-date\ndata: {"offset":17}\n\n',
  },
  reset: {
    summary: 'The stream is not the one that the id came from',
    value: 'event: reset\ndata: {"reason":"diverged","offset":0}\nid: 0\n\n',
  },
  malformed: {
    summary: 'An element that is no event',
    value: 'event: malformed\ndata: {"offset":3,"bytes":4}\nid: 4-9f2c01ab\n\n',
  },
  refused: {
    summary: 'Come back later',
    value: 'retry: 5000\n: refused: too_many_feeds\n',
  },
};

const chatExamples = {
  chunks: {
    summary: 'An answer, and the end',
    value: [
      ': connected\ndata: {"type":"start","messageId":"m1"}',
      'data: {"type":"text-start","id":"a1"}',
      'data: {"type":"text-delta","id":"a1","delta":"Cats sleep."}',
      'data: {"type":"text-end","id":"a1"}',
      'data: {"type":"finish"}',
      'data: [DONE]',
      '',
    ].join('\n\n'),
  },
};

export const follow: Operation = {
  id: 'followStream',
  tag: 'Readers',
  summary: 'Follow a stream: the SSE feed',
  description: feedDescription.trim(),
  headers: [lastEventIdHeader],
  answers: {
    200: {
      description: 'The feed.',
      headers: [...feedHeaders, refused],
      content: { 'text/event-stream': { schema: { type: 'string' }, examples: feedExamples } },
    },
    204: { description: 'The stream has ended and the reader has all of it, or it is not there.' },
  },
  problems: ['invalid_offset', 'invalid_query', 'not_acceptable'],
};

const chatDescription = `
The newest open stream of the session, from its start, as \`useChat({ resume: true })\` asks for it. Its events come
as chunks of the SDK's UI message stream. Only a stream that has ended ends the response as it should: whatever else
ends it breaks the connection, and the page asks again.`;

export const resumeChat: Operation = {
  id: 'resumeChat',
  tag: 'Readers',
  summary: 'Resume a chat of the AI SDK',
  description: chatDescription.trim(),
  answers: {
    200: {
      description: 'The chunks.',
      headers: [
        ...feedHeaders,
        {
          name: 'X-Vercel-AI-UI-Message-Stream',
          description: 'The protocol of the chunks.',
          schema: { const: 'v1' },
          required: true,
        },
      ],
      content: { 'text/event-stream': { schema: { type: 'string' }, examples: chatExamples } },
    },
    204: { description: 'No stream of the session is open.' },
  },
  problems: ['not_acceptable', 'draining', 'too_many_feeds'],
  usesStore: true,
  saysWhenToReturn: true,
};

export const read: Operation = {
  id: 'readEvents',
  tag: 'Readers',
  summary: 'Read a part of a stream as JSON',
  description:
    'Go on from `nextId` until `events` is empty or `ended` is true. A stream that does not exist is empty.',
  answers: {
    200: {
      description: 'The events from the offset on, as many as fit.',
      headers: [noStoreHeader],
      content: json(pageRef, {
        events: [event],
        nextOffset: 1,
        nextId: '1-3592a1b6',
        ended: false,
      }),
    },
  },
  problems: ['invalid_offset', 'invalid_query', 'offset_gone'],
  usesStore: true,
};

export const getStatus: Operation = {
  id: 'getStatus',
  tag: 'Readers',
  summary: 'Ask what is known of a stream',
  answers: {
    200: {
      description: 'Where it ends, how it is, its times, and how far a producer is.',
      headers: [noStoreHeader],
      content: json(statusWithProducerRef, { ...status, producer: { epoch: 1, nextSeq: 3 } }),
    },
  },
  problems: ['invalid_query', 'not_found'],
  usesStore: true,
};

export const listStreams: Operation = {
  id: 'listStreams',
  tag: 'Readers',
  summary: 'List the streams of a session',
  answers: {
    200: {
      description: 'The one that began last first; a session without streams has an empty list.',
      headers: [noStoreHeader],
      content: json(streamListRef, { streams: [{ messageId: 'm1', ...status }] }),
    },
  },
  problems: [],
  usesStore: true,
};
