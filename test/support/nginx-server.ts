import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { inject, onTestFinished } from 'vitest';
import type { TestCertificates } from './certificates.js';
import { freePort } from './free-port.js';
import { waitFor } from './wait-for.js';

const documented = readFileSync(resolve(import.meta.dirname, '../../docs/nginx.conf'), 'utf8');

interface NginxOptions {
  readonly upstreamPort: number;
  /** By how much its times are shorter than documented. */
  readonly timesFaster?: number;
  /** What stands in the configuration in place of what. */
  readonly changes?: Readonly<Record<string, string>>;
  /** With it, it speaks TLS and HTTP/2. */
  readonly certificates?: Pick<TestCertificates, 'certificateFile' | 'keyFile'>;
}

export interface Nginx {
  readonly url: string;
  /** The lines of its error log so far. */
  errors(): string[];
  /** Reads its configuration again: with new workers, while the old ones end what is open. */
  reload(): void;
  stop(): Promise<void>;
}

/** As `launchNginx` does, for one test; returns its URL. */
export async function startNginx(options: NginxOptions): Promise<string> {
  const { url, stop } = await launchNginx(options);
  onTestFinished(stop);
  return url;
}

/**
 * Starts nginx with the configuration of docs/nginx.conf in front of a service on this machine. The
 * caller stops it.
 */
export async function launchNginx(options: NginxOptions): Promise<Nginx> {
  const { timesFaster = 1, certificates } = options;
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), 'rejoin-nginx-'));
  writeFileSync(join(directory, 'rejoin.conf'), faster(at(port, options), timesFaster));
  writeFileSync(join(directory, 'nginx.conf'), around(directory));
  const log = join(directory, 'error.log');
  const args = ['-p', directory, '-e', log, '-c', join(directory, 'nginx.conf')];
  const nginx = spawn(inject('nginxPath'), args, { stdio: 'ignore' });
  const url = `${certificates === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
  await waitFor('nginx answers', () => {
    if (nginx.exitCode !== null) throw new Error(`nginx ended: ${readFileSync(log, 'utf8')}`);
    return answers(`${url}/metrics`);
  });
  const errors = () => readFileSync(log, 'utf8').split('\n').slice(0, -1);
  const reload = () => void nginx.kill('SIGHUP');
  return { url, errors, reload, stop: () => stop(nginx, directory) };
}

function answers(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = url.startsWith('https:')
      ? https.get(url, { rejectUnauthorized: false, agent: false })
      : http.get(url, { agent: false });
    request.on('response', (response) => resolve(response.resume().statusCode === 404));
    request.on('error', () => resolve(false));
  });
}

/** Its workers would outlive a SIGKILL. */
async function stop(nginx: ChildProcess, directory: string): Promise<void> {
  if (nginx.exitCode === null) {
    const exited = once(nginx, 'exit');
    nginx.kill('SIGTERM');
    await exited;
  }
  rmSync(directory, { recursive: true, force: true });
}

function at(port: number, { upstreamPort, certificates, changes = {} }: NginxOptions): string {
  const text = Object.entries(changes).reduce(
    (changed, [from, to]) => substitute(changed, from, to),
    documented,
  );
  const secure =
    certificates === undefined
      ? ''
      : ` ssl http2; ssl_certificate ${certificates.certificateFile}; ssl_certificate_key ${certificates.keyFile}`;
  return substitute(
    substitute(text, 'server 127.0.0.1:8080;', `server 127.0.0.1:${upstreamPort};`),
    'listen 80;',
    `listen 127.0.0.1:${port}${secure};`,
  );
}

function substitute(text: string, from: string, to: string): string {
  if (text.split(from).length !== 2) throw new Error(`docs/nginx.conf has not one "${from}"`);
  return text.replace(from, () => to);
}

function faster(text: string, times: number): string {
  return text.replaceAll(
    / (\d+)s;/g,
    (_, seconds) => ` ${Math.round((seconds * 1000) / times)}ms;`,
  );
}

/** What a distribution has around a file of conf.d, in a directory of its own. */
function around(directory: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
    daemon off;
    user ${userInfo().username};
    worker_processes 1;
    pid ${directory}/nginx.pid;
    events {}
    http {
      access_log off;
      ${temporary.map((name) => `${name}_temp_path ${directory}/${name};`).join('\n')}
      include ${directory}/rejoin.conf;
    }`;
}
