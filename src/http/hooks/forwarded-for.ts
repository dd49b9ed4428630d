import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

/** An IPv4 address with a port, or an address in brackets with or without one. */
const withPort = /^(?:\[([^\]]+)\](?::\d{1,5})?|([^:]+):\d{1,5})$/;

/**
 * Makes `X-Forwarded-For` a list of addresses alone, from which the framework tells that of the
 * client. Proxies add ports, and pass on what a client wrote there itself: taken for addresses, such
 * texts would each count apart, and none would be that of a trusted proxy.
 */
export function cleanForwardedFor({ headers }: IncomingMessage): void {
  const text = headers['x-forwarded-for'];
  if (text !== undefined) headers['x-forwarded-for'] = addressesIn(String(text)).join(', ');
}

/** Those after the last text that is none: the proxy that wrote it stands in for its client. */
function addressesIn(list: string): string[] {
  const texts = list.split(',').map((text) => text.trim());
  const addresses = texts.filter((text) => text !== '').map(toAddress);
  return addresses.slice(addresses.lastIndexOf(null) + 1) as string[];
}

function toAddress(text: string): string | null {
  const bare = text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
  const match = withPort.exec(bare);
  // A zone names an interface of the machine that wrote it.
  const [address = ''] = (match?.[1] ?? match?.[2] ?? bare).split('%', 1);
  return isIP(address) === 0 ? null : address;
}
