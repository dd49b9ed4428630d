/**
 * Does by hand what the Dockerfile says, where there is no container engine: each stage in a folder
 * of its own, from the files of the last commit, and the result as its user on a read-only root.
 * It needs root on Linux. It stands in for no image: the base image is this machine.
 *
 * usage: npx tsx test/image/run-without-docker.ts
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import {
  environmentOf,
  readCopy,
  readDockerfile,
  type Stage,
  textsOf,
} from '../support/dockerfile.js';
import { freePort } from '../support/free-port.js';
import { waitFor } from '../support/wait-for.js';

const root = resolve(import.meta.dirname, '../..');
const work = mkdtempSync(join(tmpdir(), 'rejoin-image-'));
const sources = join(work, 'sources');
const appFolder = '/app';

function takeSources(): void {
  mkdirSync(sources);
  const archive = execFileSync('git', ['archive', 'HEAD'], { cwd: root, maxBuffer: 2 ** 28 });
  execFileSync('tar', ['-x', '-C', sources], { input: archive });
}

/** Only COPY and RUN change files. */
function build(stage: Stage, folder: string): void {
  mkdirSync(folder);
  for (const { name, text } of stage.instructions) {
    if (name === 'COPY') copy(text, folder);
    if (name === 'RUN') execFileSync('sh', ['-c', text], { cwd: folder, stdio: 'inherit' });
  }
}

function copy(text: string, folder: string): void {
  const { stage, sources: names, target } = readCopy(text);
  for (const name of names) {
    const from =
      stage === null ? join(sources, name) : join(work, stage, name.slice(appFolder.length + 1));
    const to = target.endsWith('/') ? join(folder, target, name) : join(folder, target);
    cpSync(from, to, { recursive: true, verbatimSymlinks: true });
  }
}

/** As its user, in a mount namespace where nothing can be written, with only the image's variables. */
function run(stage: Stage, folder: string) {
  const [user, group] = (textsOf(stage, 'USER')[0] as string).split(':') as [string, string];
  const command = JSON.parse(textsOf(stage, 'CMD')[0] as string) as string[];
  const steps = [
    'mount --options remount,bind,ro /',
    `cd ${folder}`,
    `exec setpriv --reuid ${user} --regid ${group} --clear-groups --no-new-privs --bounding-set -all "$@"`,
  ];
  const args = ['--mount', 'sh', '-ec', steps.join('\n'), 'sh', ...command];
  const env = containerEnvironment(stage);
  return spawn('unshare', args, { env, stdio: ['ignore', 'inherit', 'inherit'] });
}

function containerEnvironment(stage: Stage): Record<string, string> {
  const PATH = process.env.PATH as string;
  return { PATH, ...environmentOf(stage), AUTH_DISABLED: 'true', INSPECTOR_ENABLED: 'true' };
}

function check(what: string, isSo: boolean): void {
  if (!isSo) throw new Error(`not so: ${what}`);
  console.log(`ok: ${what}`);
}

async function serve(stage: Stage, folder: string): Promise<void> {
  const port = await freePort();
  // As mounted: no variable of the image may override it.
  writeFileSync(join(folder, 'config.yaml'), `server: { port: ${port} }\n`);
  const service = run(stage, folder);
  try {
    const url = `http://127.0.0.1:${port}`;
    await waitFor('it serves', () =>
      fetch(`${url}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
    const health = /CMD (\[.*\])$/.exec(textsOf(stage, 'HEALTHCHECK')[0] as string)?.[1] as string;
    const [program, ...args] = JSON.parse(health) as [string, ...string[]];
    execFileSync(program, args, { cwd: folder, env: containerEnvironment(stage) });
    console.log('ok: its health check passes');
    const appended = await fetch(`${url}/sessions/s1/messages/m1/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"type":"answer"}',
    });
    check('it takes an append', appended.status === 201);
    for (const page of ['/docs', '/inspector']) {
      check(`it has the page ${page}`, (await fetch(url + page)).status === 200);
    }
  } finally {
    service.kill('SIGTERM');
  }
  const [code] = await once(service, 'exit');
  check('it drains and exits with 0', code === 0);
}

try {
  chmodSync(work, 0o755);
  takeSources();
  const stages = readDockerfile(join(root, 'Dockerfile'));
  for (const stage of stages) build(stage, join(work, stage.name ?? 'final'));
  const final = stages.at(-1) as Stage;
  const folder = join(work, 'final');
  console.log(`in the image: ${readdirSync(folder).join(' ')}`);
  check('no compiler is in the image', !existsSync(join(folder, 'node_modules/typescript')));
  check('no test runner is in the image', !existsSync(join(folder, 'node_modules/vitest')));
  await serve(final, folder);
} finally {
  rmSync(work, { recursive: true, force: true });
}
