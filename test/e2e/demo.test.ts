import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { loadAgentRun } from '../../examples/demo/agent-run.js';
import { readArguments, UsageError } from '../../examples/demo/arguments.js';
import { DemoError } from '../../examples/demo/demo-error.js';
import { judge, verdictTable } from '../../examples/demo/verdict.js';
import { bundledProgram } from '../support/bundled-program.js';
import { freePort } from '../support/free-port.js';
import { waitFor } from '../support/wait-for.js';

const projectRoot = resolve(import.meta.dirname, '../..');
const directory = mkdtempSync(join(tmpdir(), 'rejoin-demo-test-'));
/** As users run it, without the build before, which the tests have. */
const npmRun = ['npm', 'run', '--silent', '--ignore-scripts', 'demo', '--'] as const;
/** What that runs, in one module. */
const direct = [
  process.execPath,
  await bundledProgram(join(projectRoot, 'examples/demo/main.ts')),
] as const;
const allEqual = 'Every reader has exactly the events that were sent.';

afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('npm run demo', () => {
  it('ends with every reader having exactly what was sent', async () => {
    const { code, output } = await runDemo(['--speed', '20'], {}, npmRun);
    expect(output).toContain(allEqual);
    expect(output).toContain('257 of 257 events sent, ask-mail approved');
    expect(rowOf('steady', output)).toMatchObject({ reconnects: 0, isEqual: true });
    expect(rowOf('late', output)).toMatchObject({ reconnects: 0, isEqual: true });
    expect(rowOf('dropping', output).isEqual).toBe(true);
    expect(rowOf('dropping', output).reconnects).toBeGreaterThanOrEqual(1);
    expect(code).toBe(0);
  });

  it('does the same on Redis', async () => {
    const { code, output } = await runDemo(['--speed', '20', '--backend', 'redis'], {
      REDIS_ADDR: `127.0.0.1:${inject('redisPort')}`,
      REDIS_PREFIX: `test-${randomUUID()}`,
    });
    expect(output).toContain(allEqual);
    expect(rowOf('dropping', output).reconnects).toBeGreaterThanOrEqual(1);
    expect(code).toBe(0);
  });

  it('reports when Redis cannot be reached', async () => {
    const address = `127.0.0.1:${await freePort()}`;
    const { code, output } = await runDemo(['--backend', 'redis'], { REDIS_ADDR: address });
    expect(output).toContain(`Redis at ${address} cannot be reached: connect ECONNREFUSED`);
    expect(code).toBe(1);
  });

  it('listens where --port says, and links to the stream in the inspector', async () => {
    const port = await freePort();
    const demo = new DemoProcess(direct, ['--port', String(port)]);
    const link = () => /Watch it in a browser: (http:\S+)/.exec(demo.output)?.[1];
    await waitFor('the link', () => link() !== undefined);
    expect(new URL(link() as string).port).toBe(String(port));
    expect((await fetch(link() as string)).status).toBe(200);
    demo.child.kill('SIGINT');
    await demo.exitCode;
  });

  it('replays a run without ids, times and an end, which it adds', async () => {
    const input = fileOf(
      '{"type":"tool_result","data":{"count":9007199254740993,"price":1.50,"line":"a\u2028b\u0085c"}}',
      '',
      '  { "type":"answer" ,\r"content":"\\u00e9t\u00e9 𠮷 🚲" }\r',
      '{"id":"a-1","type":"answer","content":"!","done":true}',
    );
    const { code, output } = await runDemo(['--speed', '20', '--input', input]);
    expect(output).toContain('4 of 4 events sent');
    for (const name of ['steady', 'dropping', 'late']) {
      expect(rowOf(name, output)).toMatchObject({ events: 4, isEqual: true });
    }
    expect(code).toBe(0);
  });

  it('exits with the reason when the service rejects an event', async () => {
    const { code, output } = await runDemo(['--input', fileOf('{"type":"answer","extra":1}')]);
    expect(output).toContain('Event 1 could not be appended: 400');
    expect(output).toContain('`extra` is an unknown field');
    expect(code).toBe(1);
  });

  it.each([
    [['--speed', 'fast'], "not 'fast'"],
    [['--speed', '0'], "not '0'"],
    [['--port', '65536'], "not '65536'"],
    [['--backend', 'postgres'], "not 'postgres'"],
    [['--unknown'], "'--unknown'"],
    [['run.ndjson'], "'run.ndjson'"],
  ])('rejects the arguments %j', (args, reason) => {
    expect(() => readArguments(args)).toThrow(UsageError);
    expect(() => readArguments(args)).toThrow(reason);
  });

  it('prints its usage for arguments that it rejects', async () => {
    const { code, output } = await runDemo(['--speed', 'fast']);
    expect(output).toContain("not 'fast'");
    expect(output).toContain('Usage: npm run demo');
    expect(code).toBe(2);
  });

  it.each([
    [
      'a file that is not there',
      join(directory, 'none.ndjson'),
      'The input cannot be read: ENOENT',
    ],
    ['a file without events', fileOf('', ''), 'has no events'],
    ['a line that is not JSON', fileOf('{"type":"answer"}', '{"type":'), 'line 2, is not JSON'],
    ['a line that is not an object', fileOf('[1]'), 'line 1, is not a JSON object'],
  ])('reports what is wrong with %s', async (_title, input, fault) => {
    const loading = loadAgentRun(input);
    await expect(loading).rejects.toThrow(DemoError);
    await expect(loading).rejects.toThrow(fault);
  });

  it('exits with the reason when its input cannot be read', async () => {
    const { code, output } = await runDemo(['--input', join(directory, 'none.ndjson')]);
    expect(output).toMatch(/^The input cannot be read: ENOENT/);
    expect(output).not.toContain('    at ');
    expect(code).toBe(1);
  });

  it('stops the service when it is interrupted', async () => {
    const demo = new DemoProcess(direct);
    await waitFor('the demo runs', () => demo.serviceUrl !== null);
    demo.child.kill('SIGINT');
    expect(await demo.exitCode).toBe(130);
    await expect(fetch(`${demo.serviceUrl}/healthz`)).rejects.toThrow();
  });
});

describe('The verdict of the demo', () => {
  const sent = ['{"n":1}', '{"n":2}', '{"n":3}', '{"text":"a\u2028b\u0085c\u2029"\r}'];
  const asSent = ['{"n":1}', '{"n":2}', '{"n":3}', '{"text":"a\\u2028b\\u0085c\\u2029" }'];
  const [one = '', two = '', three = '', four = ''] = asSent;

  it('is equal when the frames are those that were sent', () => {
    expect(tableRow(sent, asSent)).toMatch(/equal$/);
  });

  it.each([
    ['dropped', [one, three, four], 2],
    ['dropped at the end', [one, two, three], 4],
    ['repeated', [one, two, two, three, four], 3],
    ['added at the end', [...asSent, four], 5],
    ['swapped with the next', [one, three, two, four], 2],
    ['altered', [one, two, '{"n":3.0}', four], 3],
    ['joined with the next', [`${one}\n${two}`, three, four], 1],
    ['no longer escaped', [one, two, three, sent[3] ?? ''], 4],
  ])('is DIFFERENT when a frame is %s', (_title, frames, event) => {
    expect(tableRow(sent, frames)).toMatch(new RegExp(`DIFFERENT from event ${event} on$`));
  });

  it('is DIFFERENT when nothing was received', () => {
    expect(tableRow(sent, [])).toMatch(/DIFFERENT from event 1 on$/);
  });
});

type Command = typeof npmRun | typeof direct;

class DemoProcess {
  output = '';
  readonly child: ChildProcess;
  readonly exitCode: Promise<number | null>;

  constructor(
    [program, ...first]: Command,
    args: readonly string[] = [],
    environment: Record<string, string> = {},
  ) {
    this.child = spawn(program, [...first, ...args], {
      cwd: projectRoot,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
    this.exitCode = once(this.child, 'close').then(([code]) => code);
  }

  get serviceUrl(): string | null {
    return /The service listens at (http:\S+),/.exec(this.output)?.[1] ?? null;
  }
}

async function runDemo(
  args: readonly string[],
  environment: Record<string, string> = {},
  command: Command = direct,
): Promise<{ code: number | null; output: string }> {
  const demo = new DemoProcess(command, args, environment);
  return { code: await demo.exitCode, output: demo.output };
}

/** What the table says of a reader. */
function rowOf(name: string, output: string) {
  const row = new RegExp(`^${name} +(\\d+) +(\\d+) +([0-9a-f]{16}) +(.+)$`, 'm').exec(output);
  if (row === null) throw new Error(`no row of ${name} in: ${output}`);
  return { events: Number(row[1]), reconnects: Number(row[2]), isEqual: row[4] === 'equal' };
}

function tableRow(sent: readonly string[], frames: readonly string[]): string {
  const table = verdictTable(sent, [judge(sent, { name: 'reader', reconnects: 0, frames })]);
  return table.split('\n').at(-1) as string;
}

function fileOf(...lines: string[]): string {
  const path = join(directory, `${randomUUID()}.ndjson`);
  writeFileSync(path, lines.join('\n'));
  return path;
}
