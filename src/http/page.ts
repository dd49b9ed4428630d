import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify';
import { ServiceError } from '../errors.js';

/** A page of the service, and the files that it needs. */
export interface Page {
  /** The path of the page; its files are one level below. */
  readonly path: string;
  /** The HTML. It names its files relative to itself, so that it works below any prefix. */
  readonly html: URL;
  /** The other files, by their names; `icon.svg` is always there. */
  readonly files: Readonly<Record<string, URL>>;
  /** Pages that are not served: a line of the HTML that links to one of them is left out. */
  readonly disabled: readonly string[];
  /** The Content-Security-Policy of the page. */
  readonly policy: string;
}

/** The Content-Security-Policy of a page with files of its own only. @param images where these come from */
export function pagePolicy(images: string, ...more: readonly string[]): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src ${images}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    ...more,
  ].join('; ');
}

interface PageFile {
  readonly body: Buffer;
  readonly type: string;
  readonly etag: string;
}

const icon = new URL('./icon.svg', import.meta.url);

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Serves the page without credentials: it is static, and requests the data that it shows. */
export function servePage(app: FastifyInstance, page: Page): void {
  const html = onDemand(page.html, (body) => withoutLinks(body, page.disabled));
  const entries = Object.entries({ 'icon.svg': icon, ...page.files });
  const files = new Map(entries.map(([name, url]) => [name, onDemand(url)]));
  const setPolicy: onRequestHookHandler = (_request, reply, done) => {
    reply.header('content-security-policy', page.policy);
    done();
  };
  const config = { access: 'public' } as const;
  const options = { schema: { hide: true }, config, onRequest: setPolicy };
  app.get(page.path, options, async (request, reply) => send(request, reply, html()));
  app.get<{ Params: { file: string } }>(`${page.path}/:file`, options, async (request, reply) => {
    const file = files.get(request.params.file);
    if (file === undefined) throw new ServiceError('not_found', 'the page has no such file');
    return send(request, reply, file());
  });
}

function withoutLinks(html: Buffer, disabled: readonly string[]): Buffer {
  const lines = html.toString().split('\n');
  const links = disabled.map((path) => ` href="${path}"`);
  return Buffer.from(lines.filter((line) => !links.some((link) => line.includes(link))).join('\n'));
}

/** Reads the file at its first request: with Swagger UI there are two megabytes, which most nodes never serve. */
function onDemand(url: URL, edit = (body: Buffer): Buffer => body): () => PageFile {
  let file: PageFile | undefined;
  return () => {
    file ??= pageFile(url, edit(readFileSync(url)));
    return file;
  };
}

function pageFile(url: URL, body: Buffer): PageFile {
  const type = types[extname(url.pathname)] as string;
  return { body, type, etag: `"${createHash('sha256').update(body).digest('base64url')}"` };
}

/** Sends a file, which a browser may cache but revalidates each time. */
function send(
  { headers }: FastifyRequest,
  reply: FastifyReply,
  { body, type, etag }: PageFile,
): FastifyReply {
  reply.header('cache-control', 'no-cache').header('etag', etag);
  if (headers['if-none-match'] === etag) return reply.code(304).send();
  return reply.type(type).send(body);
}
