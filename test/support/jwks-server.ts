import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sign } from './tokens.js';

interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
}

/** An identity provider on loopback: it publishes keys, and signs with the last one. */
export class JwksServer {
  /** How often it was asked. */
  asked = 0;
  /** What it responds instead of the keys. */
  failure: { readonly status: number; readonly body: string } | null = null;
  /** Whether it takes requests and responds to none. */
  isStuck = false;
  readonly #server: Server;
  #keys: object[] = [];
  #signing!: SigningKey;
  #port = 0;

  private constructor() {
    this.#server = createServer((_, response) => {
      this.asked += 1;
      if (this.isStuck) return;
      const { status, body } = this.failure ?? {
        status: 200,
        body: JSON.stringify({ keys: this.#keys }),
      };
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    });
    this.rotate('first');
  }

  static async start(): Promise<JwksServer> {
    const server = new JwksServer();
    await server.start();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/jwks.json`;
  }

  /** Begins to listen, again after a `stop` on the same port. */
  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  /** Signs with a new key from now on, and publishes it beside the one before, or alone. */
  rotate(kid: string, { keepsOld = true } = {}): void {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' };
    this.#keys = [...(keepsOld ? this.#keys : []), jwk];
    this.#signing = { kid, privateKey };
  }

  /** @param kid that the token names, right or wrong; null for none */
  sign(claims: object, kid: string | null = this.#signing.kid): Promise<string> {
    const key = this.#signing.privateKey;
    return sign({ ...claims }, { key, alg: 'ES256', ...(kid !== null && { kid }) });
  }
}
