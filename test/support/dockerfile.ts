import { readFileSync } from 'node:fs';

export interface Instruction {
  readonly name: string;
  /** What follows the name. */
  readonly text: string;
}

export interface Stage {
  /** The image that it begins with. */
  readonly from: string;
  readonly name: string | null;
  readonly instructions: readonly Instruction[];
}

/** The stages of a Dockerfile, in order. It knows no more than ours needs: no continued lines. */
export function readDockerfile(path: string): Stage[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  const stages: (Stage & { instructions: Instruction[] })[] = [];
  for (const line of lines.filter((text) => text !== '' && !text.startsWith('#'))) {
    const [, name = '', text = ''] = /^([A-Z]+) (.+)$/.exec(line) ?? [];
    if (name === '' || text.endsWith('\\')) throw new Error(`not understood: ${line}`);
    if (name === 'FROM') {
      const [from = '', , stage = null] = text.split(' ');
      stages.push({ from, name: stage, instructions: [] });
    } else {
      stages.at(-1)?.instructions.push({ name, text });
    }
  }
  return stages;
}

export interface Copy {
  /** The stage that it copies from, or null for the sources. */
  readonly stage: string | null;
  readonly sources: readonly string[];
  readonly target: string;
}

export function readCopy(text: string): Copy {
  const words = text.split(' ');
  const stage = words[0]?.startsWith('--from=') ? (words.shift() as string).slice(7) : null;
  return { stage, sources: words.slice(0, -1), target: words.at(-1) as string };
}

/** The texts of one kind of instruction. */
export function textsOf(stage: Stage, name: string): string[] {
  return stage.instructions.filter((one) => one.name === name).map(({ text }) => text);
}

/** The variables that a stage sets, all in the form `NAME=value NAME=value`. */
export function environmentOf(stage: Stage): Record<string, string> {
  const pairs = textsOf(stage, 'ENV').flatMap((text) => text.split(' '));
  return Object.fromEntries(pairs.map((pair) => pair.split('=') as [string, string]));
}
