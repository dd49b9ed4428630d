import type { Socket } from 'node:net';

/** How long a client may take to read the last response. */
const lingerMs = 1000;

/**
 * Closes a connection on which more may be coming. Not at once: a socket that is closed with bytes
 * unread resets its connection, and the client loses the response (RFC 9112, section 9.6).
 */
export function closeLingering(socket: Socket): void {
  if (socket.destroyed || socket.writableEnded) return;
  socket.end();
  const cut = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(cut));
}
