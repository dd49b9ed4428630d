import { DurableStreamTestServer } from '@durable-streams/server';

/** The server of Durable Streams for Node.js, in memory: `durable-streams-server.ts <port>`. */
await new DurableStreamTestServer({ host: '127.0.0.1', port: Number(process.argv[2]) }).start();
