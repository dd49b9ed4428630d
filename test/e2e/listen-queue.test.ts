import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { it, onTestFinished } from 'vitest';
import { startService } from '../support/test-processes.js';
import { waitFor } from '../support/wait-for.js';

/** More than Node.js would have the kernel queue. */
const readers = 1500;

/** What the kernel allows. */
const longestQueue = Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8'));

it('A thundering herd of reconnects while the service is busy is queued, not rejected', async () => {
  const service = await startService();
  const port = Number(new URL(service.url).port);
  service.signal('SIGSTOP');
  onTestFinished(() => service.signal('SIGCONT'));
  let connected = 0;
  const sockets = Array.from({ length: Math.min(readers, longestQueue) }, () =>
    connect(port, '127.0.0.1', () => {
      connected += 1;
    }),
  );
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  await waitFor('all are connected', () => connected === sockets.length);
});
