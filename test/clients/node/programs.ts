import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import type { Follower, ForeignClient } from '../foreign-client.js';
import { noTimeout, silenceMs } from './silence.js';

const seconds = String(silenceMs / 1000);

/** Follows with a program beside this file, which prints the id and the data of each event on a line. */
function followWith(command: string, file: string, ...args: string[]): Follower {
  // A group of its own, since a shell leaves behind what it has started.
  const child = spawn(command, [resolve(import.meta.dirname, file), ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const isOver = () => child.exitCode !== null || child.signalCode !== null;
  return {
    received: async () => output.split('\n').slice(0, -1).map(toReceived),
    isOver: async () => isOver(),
    close: async () => {
      if (!isOver()) process.kill(-(child.pid as number), 'SIGKILL');
      await exited;
    },
  };
}

function toReceived(line: string) {
  const [id = ''] = line.split(' ', 1);
  return { id, data: line.slice(id.length + 1) };
}

/** Programs of other languages, as one writes them who has read docs/protocol.md. */
export const programs: readonly ForeignClient[] = [
  {
    name: 'curl in a shell loop',
    option: null,
    limits: { 'black hole': noTimeout },
    follow: async (url) => followWith('bash', 'follow.sh', url),
  },
  {
    name: 'curl in a shell loop',
    option: '`--speed-limit 1 --speed-time <seconds>`',
    limits: {},
    follow: async (url) =>
      followWith('bash', 'follow.sh', url, '--speed-limit', '1', '--speed-time', seconds),
  },
  {
    name: 'Python urllib',
    option: null,
    limits: { 'black hole': noTimeout },
    follow: async (url) => followWith('python3', 'follow.py', url),
  },
  {
    name: 'Python urllib',
    option: '`timeout`',
    limits: {},
    follow: async (url) => followWith('python3', 'follow.py', url, seconds),
  },
];
