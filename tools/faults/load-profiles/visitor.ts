import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { feedRequest } from './feed-request.js';

export interface Visit {
  readonly port: number;
  readonly path: string;
  /** Of the feed that the client comes back from, if it does. */
  readonly lastId: string | null;
  readonly random: () => number;
}

const maxPauseMs = 60;
const maxReplayBytes = 400_000;

async function resetWithinRequestHead(visit: Visit): Promise<void> {
  const request = requestOf(visit);
  const socket = await connectTo(visit);
  socket.write(request.slice(0, 1 + Math.floor(visit.random() * (request.length - 2))));
  await pause(visit);
  socket.resetAndDestroy();
}

async function resetAtOnce(visit: Visit): Promise<void> {
  const socket = await connectTo(visit);
  await new Promise<void>((resolve) => socket.write(requestOf(visit), () => resolve()));
  socket.resetAndDestroy();
}

async function resetAfterResponseHead(visit: Visit): Promise<void> {
  await resetAfterBytes(visit, 1);
}

async function resetWithinReplay(visit: Visit): Promise<void> {
  await resetAfterBytes(visit, 1000 + visit.random() * maxReplayBytes);
}

/** Says that it sends no more, and reads on for a while. */
async function closeHalf(visit: Visit): Promise<void> {
  const socket = await connectTo(visit);
  socket.resume().end(requestOf(visit));
  await pause(visit);
  socket.destroy();
}

async function neverRead(visit: Visit): Promise<void> {
  const socket = await connectTo(visit);
  socket.write(requestOf(visit));
  await pause(visit);
  socket.destroy();
}

async function resetAfterBytes(visit: Visit, bytes: number): Promise<void> {
  const socket = await connectTo(visit);
  socket.write(requestOf(visit));
  const isOver = new Promise<void>((resolve) => {
    let received = 0;
    socket.on('data', ({ length }: Buffer) => {
      received += length;
      if (received >= bytes) resolve();
    });
    for (const end of ['end', 'close']) socket.on(end, () => resolve()); // it may be half open
    socket.once('data', () => socket.setTimeout(maxPauseMs, resolve)); // all of it has come
    socket.resume(); // a listener alone does not, where it was paused
  });
  await isOver;
  socket.resetAndDestroy();
}

async function connectTo({ port }: Visit): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  socket.pause(); // before Node reads ahead
  socket.on('error', () => {}); // 'close' follows
  await once(socket, 'connect');
  return socket;
}

function requestOf({ path, lastId }: Visit): string {
  return feedRequest(path, lastId);
}

async function pause({ random }: Visit): Promise<void> {
  await sleep(random() * maxPauseMs);
}

/** The ways to leave a feed. */
const visits = [
  resetWithinRequestHead,
  resetAtOnce,
  resetAfterResponseHead,
  resetWithinReplay,
  closeHalf,
  neverRead,
];

/** Opens a feed and leaves it, in any way. */
export async function comeAndGo(visit: Visit): Promise<void> {
  await visits[Math.floor(visit.random() * visits.length)]?.(visit);
}
