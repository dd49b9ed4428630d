import type { IncomingHttpHeaders } from 'node:http';

/**
 * Whether a request is that of an EventSource of WebKit, on iOS in every browser. After a connection
 * error it keeps the truncated line and data of the response, and reads the start of the next response
 * as their rest. All other engines drop both (WHATWG HTML, section 9.2.6).
 */
export function keepsTornLines(headers: IncomingHttpHeaders): boolean {
  const { 'cache-control': cacheControl, 'user-agent': agent = '' } = headers;
  const isWebKit = agent.includes('AppleWebKit/') && !/Chrom(?:e|ium)\//.test(agent);
  return isWebKit && cacheControl === 'no-cache'; // which every EventSource sends, and other requests of pages seldom
}
