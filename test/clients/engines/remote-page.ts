import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { json } from 'node:stream/consumers';
import { build } from 'esbuild';
import { waitFor } from '../../support/wait-for.js';

interface Question {
  readonly id: number;
  readonly expression: string;
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** Browsers give up a request that has no response for long. */
const longestPollMs = 20_000;

/**
 * A page in a browser that nothing drives: it asks for expressions, and posts what they evaluate to. So it
 * works alike in every engine that can be started with a URL.
 */
export class RemotePage {
  #lastId = 0;
  #unasked: Question[] = [];
  readonly #answers = new Map<number, Answer>();
  #waiting: ServerResponse | null = null;

  /** Resolves with the value of an expression, as JSON carries it. */
  async evaluate<T>(expression: string): Promise<T> {
    this.#lastId += 1;
    const id = this.#lastId;
    this.#unasked.push({ id, expression });
    this.#ask();
    await waitFor(`the page evaluates ${expression}`, () => this.#answers.has(id));
    const { value, error } = this.#answers.get(id) as Answer;
    this.#answers.delete(id);
    if (error !== undefined) throw new Error(`${expression}: ${error}`);
    return value as T;
  }

  /** Takes what the page has evaluated, and responds when there is more to do. */
  async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const answer of (await json(request)) as Answer[]) this.#answers.set(answer.id, answer);
    this.#waiting = response;
    response.on('close', () => clearTimeout(timer));
    const timer = setTimeout(() => this.#send(), longestPollMs);
    this.#ask();
  }

  #ask(): void {
    if (this.#unasked.length > 0) this.#send();
  }

  #send(): void {
    if (this.#waiting === null) return;
    this.#waiting.setHeader('content-type', 'application/json').end(JSON.stringify(this.#unasked));
    this.#waiting = null;
    this.#unasked = [];
  }
}

/** Serves the pages of all browsers of this process, and the one of the examples, from an origin of their own. */
export class PageHost {
  static #shared: Promise<PageHost> | null = null;
  readonly #pages = new Map<string, RemotePage>();

  private constructor(
    readonly server: Server,
    readonly script: string,
  ) {
    server.on('request', (request, response) => this.#respond(request, response));
  }

  static shared(): Promise<PageHost> {
    PageHost.#shared ??= PageHost.#start();
    return PageHost.#shared;
  }

  static async #start(): Promise<PageHost> {
    const host = new PageHost(createServer(), await bundled());
    await new Promise<void>((resolve) => host.server.listen(0, '127.0.0.1', resolve));
    host.server.unref();
    return host;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** A page, and the URL to open it at. */
  newPage(): { readonly page: RemotePage; readonly url: string } {
    const page = new RemotePage();
    const path = `/pages/${this.#pages.size}`;
    this.#pages.set(path, page);
    return { page, url: `${this.origin}${path}` };
  }

  #respond(request: IncomingMessage, response: ServerResponse): void {
    const page = this.#pages.get(request.url ?? '');
    if (page !== undefined && request.method === 'POST') void page.take(request, response);
    else if (page !== undefined) sendHtml(response, feedsPage(this.script));
    else if (request.url?.startsWith('/example?')) sendHtml(response, example('index.html'));
    else if (request.url === '/follow.js') sendScript(response, example('follow.js'));
    else response.writeHead(404).end();
  }
}

function example(name: string): string {
  return readFileSync(resolve(import.meta.dirname, '../../../examples/page', name), 'utf8');
}

function feedsPage(script: string): string {
  return `<!doctype html><meta charset="utf-8"><title>feeds</title><script>${script}</script>`;
}

function sendHtml(response: ServerResponse, html: string): void {
  response.setHeader('content-type', 'text/html; charset=utf-8').end(html);
}

async function bundled(): Promise<string> {
  const entry = resolve(import.meta.dirname, '../page/in-page.js');
  const { outputFiles } = await build({ entryPoints: [entry], bundle: true, write: false });
  return (outputFiles[0]?.text ?? '').replaceAll('</script', '<\\/script');
}

function sendScript(response: ServerResponse, script: string): void {
  response.setHeader('content-type', 'text/javascript; charset=utf-8').end(script);
}
