import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { SteerableWorker } from '../workers/typescript/steerable-worker.js';

/** As the AI SDK has it, as far as this back end needs. */
export interface ChatMessage {
  readonly id: string;
  readonly role: 'user' | 'assistant' | 'system';
  readonly parts: readonly { readonly type: string; readonly text?: string }[];
}

/** Answers a question by appending events; it stops when the worker's signal is aborted. */
export type Agent = (worker: SteerableWorker, question: string) => Promise<void>;

export interface ChatBackendOptions {
  /** Of Rejoin. */
  readonly serviceUrl: string;
  readonly agent: Agent;
  /** Of every request to Rejoin: where it has keys, `Authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What the page sends when the user has decided. */
interface ApprovalReply {
  /** Of the message that has the question. */
  readonly messageId: string;
  readonly approvalId: string;
  readonly approved: boolean;
}

/** A page of a stream, as `GET …/events` returns it. */
interface Page {
  readonly events: readonly { readonly type: string; readonly content?: string }[];
  /** Where the next page begins. */
  readonly nextId: string;
  readonly ended: boolean;
}

/** How long a run may stay without a heartbeat, in seconds. */
const leaseSeconds = 30;

/**
 * The back end of a chat: the routes that `useChat` calls by default, one to stop, one for approvals,
 * and one for a page that loads. An application asks here first who the user is, and whose the chat.
 */
export class ChatBackend {
  readonly server: Server;
  /** By chat. An application has a database. */
  readonly #messages = new Map<string, ChatMessage[]>();

  constructor(readonly options: ChatBackendOptions) {
    this.server = createServer((request, response) => {
      this.handle(request, response)
        .then((isOurs) => isOurs || response.writeHead(404).end())
        .catch(() => response.destroy()); // a feed that broke breaks for the page too
    });
  }

  /** Responds to a request for one of its routes, and returns false for any other. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const match = /^\/api\/chat(?:\/([\w-]+)(?:\/(stream|stop|approval))?)?$/.exec(
      request.url ?? '',
    );
    const [, id = '', action = id === '' ? 'chats' : 'chat'] = match ?? [];
    const route = match && `${request.method} ${action}`;
    if (route === 'POST chats') await this.#send(request, response);
    else if (route === 'GET stream') await this.#follow(id, response);
    else if (route === 'POST stop') await this.#stop(id, request, response);
    else if (route === 'POST approval') await this.#approve(id, request, response);
    else if (route === 'GET chat') sendJson(response, this.#messages.get(id) ?? []);
    else return false;
    return true;
  }

  /** Starts a run, and responds with its feed. */
  async #send(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { id, messages } = (await json(request)) as { id: string; messages: ChatMessage[] };
    this.#messages.set(id, messages);
    const messageId = `m-${randomUUID()}`;
    const url = this.#urlOf(id, messageId);
    const question = textOf(messages.at(-1));
    // The stream begins here, so that the feed finds it; should no worker come, the lease ends it.
    await this.#post(`${url}/events`, { type: 'agent_query', content: question, done: true });
    this.#run(id, messageId, question).catch(console.error);
    await this.#follow(id, response);
  }

  /** Passes the feed of the newest open run on, from its start. A break has to stay a break. */
  async #follow(id: string, response: ServerResponse): Promise<void> {
    const { serviceUrl, headers = {} } = this.options;
    const feed = await fetch(`${serviceUrl}/ai-sdk/sessions/${id}/stream`, { headers });
    response.writeHead(feed.status, {
      'content-type': feed.headers.get('content-type') ?? 'text/plain',
      'cache-control': 'no-cache, no-transform',
      'x-vercel-ai-ui-message-stream': 'v1',
      'x-accel-buffering': 'no',
    });
    response.flushHeaders();
    if (feed.body === null) response.end();
    else await pipeline(Readable.fromWeb(feed.body), response);
  }

  async #stop(id: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { messageId } = (await json(request)) as { messageId: string };
    await this.#post(`${this.#urlOf(id, messageId)}/stop`, { reason: 'by the user' });
    sendJson(response, {});
  }

  /** Passes the reply to an approval on to the worker. The first one counts, from whichever page it comes. */
  async #approve(id: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { messageId, approvalId, approved } = (await json(request)) as ApprovalReply;
    const data = { replyTo: approvalId, approved };
    const input = { type: 'approval', id: `reply-${approvalId}`, data };
    await this.#post(`${this.#urlOf(id, messageId)}/inputs`, input);
    sendJson(response, {});
  }

  async #run(id: string, messageId: string, question: string): Promise<void> {
    const url = this.#urlOf(id, messageId);
    const headers = this.options.headers ?? {};
    const worker = new SteerableWorker({ url, epoch: Date.now(), leaseSeconds, headers });
    try {
      await this.options.agent(worker, question);
    } catch {
      const error = { type: 'error', content: 'The agent has failed.', done: true };
      if (!worker.signal.aborted) await worker.append(error); // else somebody stopped it
    }
    await worker.close().catch(() => {}); // what is stored is the answer
    const text = await this.#answerOf(url);
    const answer: ChatMessage = {
      id: messageId,
      role: 'assistant',
      parts: [{ type: 'text', text }],
    };
    this.#messages.set(id, [...(this.#messages.get(id) ?? []), answer]);
  }

  /** The whole answer, for a page that loads the chat when its stream is over. */
  async #answerOf(url: string): Promise<string> {
    const { headers = {} } = this.options;
    let text = '';
    let page: Page = { events: [], nextId: '0', ended: false };
    do {
      const response = await fetch(`${url}/events?offset=${page.nextId}`, { headers });
      if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
      page = (await response.json()) as Page;
      for (const { type, content = '' } of page.events) if (type === 'answer') text += content;
    } while (!page.ended && page.events.length > 0);
    return text;
  }

  async #post(url: string, body: object): Promise<void> {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'producer-lease': String(leaseSeconds),
        ...this.options.headers,
      },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  }

  #urlOf(id: string, messageId: string): string {
    return `${this.options.serviceUrl}/sessions/${id}/messages/${messageId}`;
  }
}

function textOf(message: ChatMessage | undefined): string {
  return (message?.parts ?? []).map(({ text = '' }) => text).join('');
}

function sendJson(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
