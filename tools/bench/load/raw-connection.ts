import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/**
 * What sockets are read into. All share it: what was read is handled before the next read, which
 * is of another socket, or of the same one.
 */
const receiveBuffer = Buffer.allocUnsafeSlow(256 * 1024);

export interface RawConnection {
  readonly socket: Socket;
  /** Of what came, nothing may be kept but copies. */
  onBytes: (bytes: Buffer) => void;
  /** The peer has closed the connection, or it broke. */
  onEnd: (reason: string) => void;
}

/** Connections from one address: few, as the kernel takes the longer to find a free port the more are in use. */
const connectionsPerAddress = 1000;
const addresses = 200;
let opened = 0;

/** A TCP connection to this machine that costs its reader as little as Node.js allows. */
export async function openConnection(port: number): Promise<RawConnection> {
  opened += 1;
  const address = 1 + (Math.floor(opened / connectionsPerAddress) % addresses);
  const socket = connect({
    host: '127.0.0.1',
    // Elsewhere than on Linux, the machine has the first of these addresses only.
    ...(process.platform === 'linux' && { localAddress: `127.0.0.${address}` }),
    port,
    noDelay: true,
    onread: {
      buffer: receiveBuffer,
      callback: (length, buffer) => {
        connection.onBytes((buffer as Buffer).subarray(0, length));
        return true;
      },
    },
  });
  const connection: RawConnection = { socket, onBytes: () => {}, onEnd: () => {} };
  await once(socket, 'connect');
  socket.on('error', (error) => connection.onEnd(error.message));
  socket.on('end', () => connection.onEnd('the server has closed the connection'));
  return connection;
}
