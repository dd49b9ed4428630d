import type { IncomingMessage } from 'node:http';

/**
 * Whether a header is there more than once. Of some, Node takes the first one and says nothing of
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
