import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { ensureProgram, python } from './debian-packages.js';

const examples = resolve(import.meta.dirname, '../../examples/workers');

export interface AgentKind {
  readonly language: 'python' | 'typescript';
  /** Of the agents that can be steered: they have one mode. */
  readonly isSteerable?: true;
  readonly mode?: 'batches' | 'ndjson';
  /** Its TypeScript as one module, which starts faster than what users start. */
  readonly bundle?: string;
}

export const typescriptAgent = join(examples, 'typescript/example-agent.ts');
export const steerableTypescriptAgent = join(examples, 'typescript/steerable-agent.ts');

export const agentKinds: readonly AgentKind[] = [
  { language: 'python', mode: 'batches' },
  { language: 'python', mode: 'ndjson' },
  { language: 'typescript', mode: 'batches' },
  { language: 'typescript', mode: 'ndjson' },
];

/** An example agent: a process of its own. */
export class AgentProcess {
  /** What it has printed on both streams. */
  output = '';
  readonly #child: ChildProcess;
  readonly #exit: Promise<[number | null, NodeJS.Signals | null]>;

  /**
   * @param url of the message
   * @param options of its command line, without the dashes
   */
  constructor(
    kind: AgentKind,
    url: string,
    options: Record<string, number>,
    environment: Record<string, string> = {},
  ) {
    const { language, mode } = kind;
    const given = Object.entries({ ...(mode && { mode }), ...options });
    const args = given.flatMap(([name, value]) => [`--${name}`, String(value)]);
    const [program, ...script] = commands[language](kind);
    this.#child = spawn(program as string, [...script, url, ...args], {
      env: { PATH: process.env.PATH, PYTHONDONTWRITEBYTECODE: '1', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
    this.#exit = once(this.#child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  }

  /** Resolves with its exit code and what it has printed; the code is null when it was killed. */
  async end(): Promise<{ code: number | null; output: string }> {
    const [code] = await this.#exit;
    return { code, output: this.output };
  }

  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  /** Ends it as a crash does. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

/** What runs in the end: `python3` may be a script that looks for it, at ten times the cost. */
const interpreter = execFileSync(
  ensureProgram(python),
  ['-c', 'import sys; print(sys.executable)'],
  { encoding: 'utf8' },
).trim();

const commands = {
  python: ({ isSteerable }: AgentKind) => {
    const program = isSteerable ? 'steerable_agent.py' : 'example_agent.py';
    return [interpreter, join(examples, 'python', program)];
  },
  typescript: ({ isSteerable, bundle }: AgentKind) => {
    const program = isSteerable ? steerableTypescriptAgent : typescriptAgent;
    const asUsersDo = ['--import', import.meta.resolve('tsx'), program];
    return [process.execPath, ...(bundle === undefined ? asUsersDo : [bundle])];
  },
};

/** The contents of the events of one run of an example agent, in order. */
export function contentsOfRun(tokens: number): string[] {
  const thought = ['What ', 'do ', 'cats ', 'do?'];
  const answer = Array.from({ length: tokens }, (_, index) => `${index} `);
  return [...thought, '', 'They sleep.', ...answer, '', ''];
}
