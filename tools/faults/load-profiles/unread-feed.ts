import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { feedRequest } from './feed-request.js';

/** Opens a feed of which never a byte is read. */
export async function openUnreadFeed(port: number, path: string): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port });
  socket.pause(); // before Node reads ahead
  socket.on('error', () => {}); // it is reset, as it should be
  await once(socket, 'connect');
  socket.write(feedRequest(path));
  return socket;
}
