interface ServerModule {
  readonly DurableStreamTestServer: new (options: {
    host: string;
    port: number;
  }) => {
    start(): Promise<unknown>;
  };
}

/** The server of Durable Streams for Node.js, in memory: `durable-streams-server.ts <port> <module>`. */
const [port, module] = process.argv.slice(2);
const { DurableStreamTestServer }: ServerModule = await import(module as string);
await new DurableStreamTestServer({ host: '127.0.0.1', port: Number(port) }).start();
