import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import {
  ensureFile,
  ensureProgram,
  nchanModule,
  nginx,
} from '../../../test/support/debian-packages.js';
import { freePort } from '../../../test/support/free-port.js';
import { send } from './requests.js';
import { ServerProcess } from './server-process.js';
import { type Server, type System, withoutStore } from './system.js';

/** nginx with nchan: pub/sub over SSE, in C. One worker, as the others have one process. */
export const nchan: System = {
  name: 'nchan',
  version: () => `${packageVersion()}, ${nginxVersion()}`,
  start: async () => {
    const port = await freePort();
    const server = new ServerProcess();
    const file = join(server.directory, 'nginx.conf');
    writeFileSync(file, configuration(server.directory, port));
    const errors = join(server.directory, 'error.log');
    await server.start(
      [ensureProgram(nginx), '-p', server.directory, '-e', errors, '-c', file],
      port,
    );
    return serverOn(port, server);
  },
};

function serverOn(port: number, server: ServerProcess): Server {
  return {
    port,
    writerPort: port,
    pids: [server.pid],
    storePids: [],
    appendPath: (stream) => `/append/${stream}`,
    followPath: (stream) => `/follow/${stream}`,
    create: async () => {},
    deleteStreams: async (streams) => {
      for (const stream of streams) await send(port, 'DELETE', `/append/${stream}`);
    },
    hasHealth: false,
    storeCommands: withoutStore,
    longestBlockMs: async () => Number.NaN,
    stop: () => server.stop('SIGTERM'),
  };
}

/** Its defaults would keep ten messages of a channel. */
function configuration(directory: string, port: number): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
    load_module ${ensureFile(nchanModule)};
    daemon off;
    user ${userInfo().username};
    worker_processes 1;
    pid ${directory}/nginx.pid;
    events { worker_connections 18000; }
    http {
      access_log off;
      ${temporary.map((name) => `${name}_temp_path ${directory}/${name};`).join('\n')}
      keepalive_requests 1000000000;
      nchan_shared_memory_size 2G;
      nchan_message_buffer_length 200000;
      nchan_message_timeout 1h;
      server {
        listen 127.0.0.1:${port} backlog=4096;
        location ~ ^/append/(\\d+)$ { nchan_publisher; nchan_channel_id $1; }
        location ~ ^/follow/(\\d+)$ { nchan_subscriber eventsource; nchan_channel_id $1; }
      }
    }`;
}

function nginxVersion(): string {
  const { stderr } = spawnSync(ensureProgram(nginx), ['-v'], { encoding: 'utf8' });
  return stderr.replace('nginx version: ', '').trim();
}

/** It prints the name and the version. */
function packageVersion(): string {
  const args = ['--show', nchanModule.debianPackage];
  return execFileSync('dpkg-query', args, { encoding: 'utf8' }).trim().replace('\t', ' ');
}
