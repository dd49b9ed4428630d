import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureProgram, openssl } from './debian-packages.js';

const keyOptions = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** An authority of a test's own, and a certificate of it that holds a name and no address. */
export class TestCertificates {
  readonly name = 'redis.test';
  readonly #directory = mkdtempSync(join(tmpdir(), 'rejoin-tls-'));

  constructor() {
    const subject = ['-subj', '/CN=The authority of a test'];
    const authority = ['-x509', ...keyOptions, '-days', '2', ...subject];
    this.#openssl('req', ...authority, '-keyout', 'ca.key', '-out', 'ca.crt');
    const request = ['-x509', '-CA', 'ca.crt', '-CAkey', 'ca.key', ...keyOptions, '-days', '2'];
    const names = ['-subj', '/CN=redis', '-addext', `subjectAltName=DNS:${this.name}`];
    this.#openssl('req', ...request, ...names, '-keyout', 'redis.key', '-out', 'redis.crt');
  }

  get caFile(): string {
    return join(this.#directory, 'ca.crt');
  }

  get ca(): string {
    return readFileSync(this.caFile, 'utf8');
  }

  get certificateFile(): string {
    return join(this.#directory, 'redis.crt');
  }

  get keyFile(): string {
    return join(this.#directory, 'redis.key');
  }

  /** For redis-server: TLS on this port, and nothing without TLS. */
  serverSettings(port: string): string[] {
    return [
      ...['--port', '0', '--tls-port', port, '--tls-auth-clients', 'no'],
      ...['--tls-cluster', 'yes', '--tls-replication', 'yes'],
      ...['--tls-cert-file', this.certificateFile, '--tls-key-file', this.keyFile],
      ...['--tls-ca-cert-file', this.caFile],
    ];
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true });
  }

  #openssl(...args: string[]): void {
    execFileSync(ensureProgram(openssl), args, { cwd: this.#directory, stdio: 'pipe' });
  }
}
