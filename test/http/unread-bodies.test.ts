import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { describeApp } from '../support/app-suite.js';
import { makeKey } from '../support/keys.js';
import { openSocket, rawBytes, rawInTurn } from '../support/raw-http.js';
import { waitFor } from '../support/wait-for.js';

const timeouts = { bodyMs: 300, silenceMs: 300 };
const options = { auth: { apiKeys: [makeKey('append').key] }, timeouts };
const events = '/sessions/s/messages/m/events';

describeApp('A body that nobody reads', options, (source) => {
  it.each([
    ['no key', 'POST', events, 'application/json', 401],
    ['no key', 'POST', events, 'application/x-ndjson', 401],
    ['a wrong method', 'PUT', events, 'application/json', 405],
    ['no route', 'POST', '/unknown', 'text/plain', 404],
    ['a path that cannot be decoded', 'POST', '/sessions/%zz/messages/m', 'text/plain', 400],
  ])('is cut when it goes on after the response to %s (%s %s, %s)', async (...row) => {
    const [, method, path, type, status] = row;
    const response = await sendForever(`${method} ${path}`, type);
    expect(response).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(response).toMatch(/\r\nconnection: close\r\n/i);
    expect((await fetch(`${source.app.url}/healthz`)).status).toBe(200);
  });

  it('leaves the connection open when it arrived together with its head', async () => {
    const head = 'host: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n';
    const last = 'GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';
    const responses = await rawInTurn(source.app.url, [
      `POST ${events} HTTP/1.1\r\n${head}{}`,
      `POST /unknown HTTP/1.1\r\n${head}{}`,
      last,
    ]);
    const statuses = responses.map((response) => response.slice(0, 12));
    expect(statuses).toEqual(['HTTP/1.1 401', 'HTTP/1.1 404', 'HTTP/1.1 200']);
    expect(responses.join('').match(/connection: close/gi)).toHaveLength(1); // the last one asked for it
  });

  it('does not hide the response from a client that sends all of it first', async () => {
    const response = await python(`
import http.client, json
connection = http.client.HTTPConnection('127.0.0.1', ${new URL(source.app.url).port})
try:
    connection.request('POST', '${events}', b'x' * 4000000, {'Content-Type': 'application/json'})
except (BrokenPipeError, ConnectionResetError):
    pass
answer = connection.getresponse()
print(answer.status, answer.getheader('Connection'), json.load(answer)['code'])
`);
    expect(response).toBe('401 close unauthorized\n');
  });

  /** Sends chunks until the server closes the connection. Resolves with what it sent. */
  async function sendForever(request: string, type: string): Promise<string> {
    const socket = openSocket(source.app.url);
    socket.write(`${request} HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\n`);
    socket.write('transfer-encoding: chunked\r\n\r\n');
    const sending = setInterval(() => socket.write('1\r\n \r\n'), 20);
    onTestFinished(() => clearInterval(sending));
    await waitFor('the connection is closed', () => socket.destroyed);
    return socket.response;
  }
});

describeApp('A body of an unsupported media type', { timeouts }, (source) => {
  it('does not crash the service when it never ends', async () => {
    const head = `POST ${events} HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\n`;
    const response = await rawBytes(source.app.url, `${head}content-length: 9\r\n\r\nx`);
    expect(response).toMatch(/^HTTP\/1.1 415 /);
    expect(response).toMatch(/\r\nconnection: close\r\n/i);
    expect((await fetch(`${source.app.url}/healthz`)).status).toBe(200);
  });
});

/** What the program prints. */
async function python(program: string): Promise<string> {
  const { stdout } = await promisify(execFile)('python3', ['-c', program]);
  return stdout;
}
