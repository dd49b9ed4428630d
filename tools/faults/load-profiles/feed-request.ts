/** @param lastId of the event that the client has */
export function feedRequest(path: string, lastId: string | null = null): string {
  const head = [`GET ${path} HTTP/1.1`, 'Host: 127.0.0.1', 'Accept: text/event-stream'];
  if (lastId !== null) head.push(`Last-Event-ID: ${lastId}`);
  return `${head.join('\r\n')}\r\n\r\n`;
}
