import { connect } from 'node:net';

/** The answer to a GET of exactly this path, which an HTTP client would mend. */
export function rawRequest(
  base: string,
  path: string,
  version = '1.1',
  head = '',
): Promise<string> {
  const text = `GET ${path} HTTP/${version}\r\nhost: x\r\nconnection: close\r\n${head}\r\n`;
  return rawBytes(base, text);
}

/** Everything that the server answers to these bytes, until it closes the connection. */
export function rawBytes(base: string, text: string): Promise<string> {
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.write(text, 'utf8'));
    socket.setEncoding('utf8');
    socket.on('data', (data: string) => {
      answer += data;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
  });
}
