import type { FastifySchema } from 'fastify';
import { z } from 'zod';
import { eventExample } from './documentation.js';
import { feedHeaders } from './feed-response.js';
import { lastEventIdHeader } from './request-schemas.js';

const description = `
Delivers the stored events and then new ones as they come, over server-sent events. A reader that was disconnected
resumes with the last id that it saw, by \`Last-Event-ID\` or \`?lastEventId=\`, and gets each later event once and in order.

- Each event is one frame, with its \`id\` and the event on one \`data:\` line. Frames have no name, unless \`named\` is true.
- With \`compact\`, adjacent stored chunks of one \`type\` and \`id\` come as the last of them, with the \`content\` of all. The
  id of its frame resumes after the last one. Live events come as they are.
- With \`control\`, the feed reports its own state in events: \`heartbeat\`, of which the first comes at once and each
  says in \`intervalMs\` how often they come, \`up-to-date\` and \`not-found\`. None has an id.
- \`event: reset\` says that the stream behind the id is gone or another one: discard what you have, all events are sent again.
- \`event: malformed\` stands for an element that another program wrote and that is no event.
- Any end without a terminal event means: resume with the last id. **204** means: you have all of it, or the stream
  does not exist, as you were told before.
- An EventSource gives up after any other status than 200. So a feed that cannot be served now is a 200 with
  \`Stream-Refused\` that is cut off at once.`;

const rejection = {
  'Stream-Refused': {
    description: 'The feed cannot be served now, and ends at once: come back later.',
    schema: { enum: ['draining', 'backend_unavailable', 'too_many_feeds', 'rate_limited'] },
  },
};

const examples = {
  events: {
    summary: 'Events',
    value: `retry: 2000\n: connected\ndata: ${JSON.stringify(eventExample)}\nid: 1-3592a1b6\n\n`,
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

/** The metadata of the feed. It has no `storeErrors`, as it responds 200 when the store fails. */
export const followDocumentation = {
  operationId: 'followStream',
  tags: ['Readers'],
  summary: 'Follow a stream: the SSE feed',
  description: description.trim(),
  requestHeaders: z.object(lastEventIdHeader),
  response: {
    200: {
      description: 'The feed.',
      headers: { ...feedHeaders, ...rejection },
      content: { 'text/event-stream': { schema: z.string(), examples } },
    },
    204: {
      description: 'The stream has ended and the reader has all of it, or it does not exist.',
    },
  },
  problems: ['invalid_offset', 'invalid_query', 'not_acceptable'],
} as const satisfies FastifySchema;
