import { expect } from 'vitest';
import { ApiDocument, type DocumentedResponse } from './openapi-document.js';
import type { TestApp } from './test-app.js';

export interface AskOptions {
  /** Of the session and the message; by default one that no other request has. */
  readonly id?: string;
  readonly query?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | ReadableStream | null;
}

/** `POST events`, as the tests name routes, in the words of the document. */
export function operationOf(route: string): string {
  const [method, place = ''] = route.split(' ');
  if (place.startsWith('/')) return route;
  if (place === 'chat') return `${method} /ai-sdk/sessions/{sid}/stream`;
  if (place === 'session') return `${method} /sessions/{sid}`;
  return `${method} /sessions/{sid}/messages/{mid}${place === '' ? '' : `/${place}`}`;
}

/** Sends requests, and holds each response to the document. */
export class DocumentedResponses {
  /**
   * Responses that came: `GET /healthz 200`; rejections with their code; and of headers that are one of
   * several words, each word.
   */
  readonly provoked = new Set<string>();
  #count = 0;

  private constructor(readonly document: ApiDocument) {}

  /** Holds responses to the document of this app. */
  static async of(app: TestApp): Promise<DocumentedResponses> {
    const response = await fetch(`${app.url}/openapi.json`);
    return new DocumentedResponses(new ApiDocument((await response.json()) as ApiDocument['json']));
  }

  /** All responses that the document has, in the same words as `provoked`. */
  get documented(): string[] {
    return this.document.operations.flatMap(({ name, responses }) =>
      Object.entries(responses).flatMap(([status, response]) =>
        Number(status) < 400
          ? [`${name} ${status}`, ...wordsOf(response).map((word) => `${name} ${status} ${word}`)]
          : codesOf(response).map((code) => `${name} ${status} ${code}`),
      ),
    );
  }

  newId(): string {
    this.#count += 1;
    return `m${this.#count}`;
  }

  /** @returns the status and, of a rejection, the code: `409 stream_ended` */
  async ask(app: TestApp, route: string, options: AskOptions = {}): Promise<string> {
    const { id = this.newId(), query = '', headers = {}, body = null } = options;
    const operation = operationOf(route);
    const [method, path] = operation.split(' ') as [string, string];
    const url = app.url + path.replace('{sid}', id).replace('{mid}', id) + query;
    const abort = new AbortController();
    const request = {
      method,
      headers,
      body,
      duplex: 'half',
      redirect: 'manual',
      signal: abort.signal,
    };
    const response = await fetch(url, request as RequestInit);
    const { status } = response;
    const own = this.document.operations.find(({ name }) => name === operation);
    const documented = own?.responses[status];
    expect(documented, `${operation} responds ${status}`).toBeDefined();
    const text = await bodyOf(response);
    abort.abort(); // a feed would stay open
    expect(this.#faultsOf(documented as DocumentedResponse, response.headers, text)).toEqual([]);
    const outcome = status < 400 ? `${status}` : `${status} ${JSON.parse(text).code}`;
    this.provoked.add(`${operation} ${outcome}`);
    for (const [name, value] of response.headers) {
      this.provoked.add(`${operation} ${status} ${name}: ${value}`);
    }
    return outcome;
  }

  #faultsOf({ content, headers = {} }: DocumentedResponse, sent: Headers, text: string): string[] {
    const faults = Object.entries(headers).map(([name, { required, schema }]) => {
      const value = sent.get(name);
      if (value === null) return required === true ? `${name} is missing` : null;
      return this.document.faultOf(schema, /^\d+$/.test(value) ? Number(value) : value);
    });
    const type = sent.get('content-type')?.split(';')[0] ?? 'none';
    const media = content?.[type];
    if (content === undefined) faults.push(text === '' ? null : 'there is a body');
    else if (media === undefined) faults.push(`${type} is not documented`);
    else {
      const value = type.includes('json') ? JSON.parse(text) : text;
      faults.push(this.document.faultOf(media.schema, value));
    }
    return faults.filter((fault) => fault !== null);
  }
}

function codesOf({ content }: DocumentedResponse): string[] {
  return Object.keys(content?.['application/problem+json']?.examples ?? {});
}

/** What its headers may say, of those that say one of several words. */
function wordsOf({ headers = {} }: DocumentedResponse): string[] {
  return Object.entries(headers).flatMap(([name, { schema }]) => {
    const { enum: words = [] } = schema as { enum?: string[] };
    return words.map((word) => `${name.toLowerCase()}: ${word}`);
  });
}

/** Of a feed, which goes on, the first of it. */
async function bodyOf(response: Response): Promise<string> {
  const isFeed = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  if (!isFeed) return response.text();
  const { value } = (await response.body?.getReader().read()) ?? {};
  return new TextDecoder().decode(value);
}
