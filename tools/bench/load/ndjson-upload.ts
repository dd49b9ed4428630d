import { eventText, stampMarker, writeMoment, writeOrigin } from './event-stamp.js';
import { openConnection } from './raw-connection.js';
import { ResponseReader } from './response-reader.js';

/** As clients send a body whose length they do not know. */
const chunkBytes = 64 * 1024;

/** The chunked body of a request with that many events, one a line, that all belong to one stream. */
export function ndjsonBody(stream: number, events: number): Buffer {
  const line = Buffer.from(`${eventText()}\n`);
  const lines = Buffer.alloc(line.length * events);
  for (let index = 0; index < events; index += 1) {
    line.copy(lines, index * line.length);
    const stampAt = index * line.length + line.indexOf(stampMarker);
    writeOrigin(lines, stampAt, stream, 0);
    writeMoment(lines, stampAt, index, 0);
  }
  return Buffer.concat([...chunked(lines), Buffer.from('0\r\n\r\n')]);
}

function* chunked(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const chunk = bytes.subarray(at, at + chunkBytes);
    yield Buffer.from(`${chunk.length.toString(16)}\r\n`);
    yield chunk;
    yield Buffer.from('\r\n');
  }
}

/**
 * Sends the body as fast as it is taken, as a producer does.
 *
 * @throws Error unless the response is a success
 */
export async function upload(port: number, path: string, body: Buffer): Promise<void> {
  const connection = await openConnection(port);
  const responses = new ResponseReader();
  try {
    await new Promise<void>((resolve, reject) => {
      connection.onEnd = (reason) => reject(new Error(`an upload: ${reason}`));
      connection.onBytes = (bytes) => {
        try {
          if (responses.push(bytes)) resolve();
        } catch (error) {
          reject(error);
        }
      };
      connection.socket.write(headOf(path));
      connection.socket.write(body);
    });
  } finally {
    connection.socket.destroy();
  }
}

function headOf(path: string): string {
  return [
    `POST ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Content-Type: application/x-ndjson',
    'Transfer-Encoding: chunked',
    'Producer-Id: worker',
    'Producer-Epoch: 1',
    'Producer-Seq: 0',
    '\r\n',
  ].join('\r\n');
}
