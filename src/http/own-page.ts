import type { IncomingHttpHeaders } from 'node:http';

/**
 * Whether a page of the service's own origin, or of a listed one, sent the request. A browser sends
 * cookies along with what any page asks for, so a cookie alone does not say who wants something done.
 * Browsers send at least one of the two headers with a POST, and pages cannot set either. Where the
 * first is missing, since TLS is (Fetch Metadata, section 3), the host of the second has to be ours.
 */
export function isFromOwnPage(headers: IncomingHttpHeaders, origins: readonly string[]): boolean {
  const { origin, host, 'sec-fetch-site': site } = headers;
  if (origin !== undefined && origins.includes(origin)) return true;
  if (site !== undefined) return site === 'same-origin';
  return origin !== undefined && URL.canParse(origin) && new URL(origin).host === host;
}
