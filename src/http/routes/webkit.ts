import type { IncomingHttpHeaders } from 'node:http';

/**
 * Whether a request is that of an EventSource of WebKit, on iOS in every browser. After a connection
 * error it keeps the line, and the data, that the end of the response tore, and takes the beginning
 * of the next response for their rest. All other engines drop both (WHATWG HTML, section 9.2.6).
 */
export function keepsTornLines(headers: IncomingHttpHeaders): boolean {
  const { 'cache-control': cacheControl, 'user-agent': agent = '' } = headers;
  const isWebKit = agent.includes('AppleWebKit/') && !/Chrom(?:e|ium)\//.test(agent);
  return isWebKit && cacheControl === 'no-cache'; // which an EventSource sends, and a page seldom
}
