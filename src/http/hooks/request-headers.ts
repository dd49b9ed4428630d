import type { IncomingMessage } from 'node:http';
import { isIP, isIPv6 } from 'node:net';
import { ServiceError } from '../../errors.js';

/**
 * Whether a header occurs more than once. Of some, Node takes the first one and says nothing of
 * the others, which a proxy in front may have taken.
 *
 * @param name in lower case
 */
export function isRepeated(
  { rawHeaders }: Pick<IncomingMessage, 'rawHeaders'>,
  name: string,
): boolean {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const other = rawHeaders[index] as string;
    if (other.length === name.length && other.toLowerCase() === name) count += 1;
  }
  return count > 1;
}

/** What `Host` holds (RFC 9110, section 7.2): an IPv6 address in brackets or a name, and maybe a port. */
const hostPattern = /^(?:\[([\da-f:.]+)\]|((?:[\w.~!$&'()*+,;=-]|%[\da-f]{2})*))(?::\d*)?$/i;

/** The authority of a request target in absolute form, which counts for more than `Host`. */
const absoluteForm = /^[a-z][a-z\d+.-]*:\/\/([^/?#]*)/i;

const notAllowed =
  'this host name is not allowed; the setting server.allowed_hosts (ALLOWED_HOSTS) lists those that are';

/**
 * For which hosts requests may be. Without keys, a page whose name was made to point to this machine
 * (DNS rebinding) would be of the same origin as the service, and could do all that a program here
 * can. Its requests are told by that name alone. No name can be made to look like an IP address.
 */
export class HostRule {
  /** The last valid host: nearly all are the same. */
  #good: string | null = null;
  readonly #isOpen: boolean;

  /**
   * @param own where the service listens, which may be a name
   * @param names hosts beside that one, `localhost` and IP addresses, in lower case
   * @param hasKeys then, any host will do while none is listed
   */
  constructor(
    readonly own: string,
    readonly names: readonly string[],
    hasKeys: boolean,
  ) {
    this.#isOpen = hasKeys && names.length === 0;
  }

  /** What is wrong with the host that a request is for; null when nothing is. */
  errorOf(request: IncomingMessage): ServiceError | null {
    const { headers, httpVersion, url = '' } = request;
    // RFC 9112, section 3.2: all but HTTP/1.0 has one `Host`, and nothing has several.
    if (isRepeated(request, 'host')) return invalid('Host occurs more than once');
    const target = url.startsWith('/') ? undefined : absoluteForm.exec(url)?.[1];
    if (headers.host !== undefined) return this.#errorOfHost(headers.host) ?? this.#errorOf(target);
    return httpVersion === '1.0' ? this.#errorOf(target) : invalid('Host is missing');
  }

  #errorOf(target: string | undefined): ServiceError | null {
    return target === undefined ? null : this.#errorOfHost(target);
  }

  #errorOfHost(host: string): ServiceError | null {
    if (host === this.#good) return null;
    const match = hostPattern.exec(host);
    if (match === null || !isIPv6(match[1] ?? '::')) {
      return invalid('Host is not a host with or without a port');
    }
    if (match[1] === undefined && !this.#allows(match[2] as string)) {
      return new ServiceError('misdirected_request', notAllowed);
    }
    this.#good = host;
    return null;
  }

  #allows(text: string): boolean {
    const name = text.toLowerCase().replace(/\.$/, '');
    if (this.#isOpen || isIP(name) === 4 || this.names.includes(name)) return true;
    if (name === this.own.toLowerCase()) return true;
    return name === 'localhost' || name.endsWith('.localhost'); // RFC 6761, section 6.3
  }
}

function invalid(message: string): ServiceError {
  return new ServiceError('invalid_header', message);
}
