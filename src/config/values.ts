import { getSystemErrorMap } from 'node:util';
import { z } from 'zod';

interface Annotation {
  readonly variable: string;
  /** A variable that names a file with the value. */
  readonly fileVariable?: string;
}

const annotations = z.registry<Annotation>();

/**
 * A setting that this variable sets too. Its description is one line, with other settings in backticks.
 */
export function setting<Schema extends z.ZodType>(variable: string, schema: Schema): Schema {
  return annotate(schema, { variable });
}

/** A setting whose value may be in a file, named by the variable with the suffix `_FILE`. */
export function fileSetting<Schema extends z.ZodType>(variable: string, schema: Schema): Schema {
  return annotate(schema, { variable, fileVariable: `${variable}_FILE` });
}

/** Annotates a copy, since several settings may share a type. */
function annotate<Schema extends z.ZodType>(schema: Schema, annotation: Annotation): Schema {
  const copy = schema.clone() as Schema;
  annotations.add(copy, annotation);
  return copy;
}

/** The settings below one key of `config.yaml`. */
export function section<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.prefault(z.strictObject(shape, 'must be a mapping'), {} as never);
}

export interface Annotated<Path extends string> extends Annotation {
  readonly path: Path;
  readonly description: string;
  /** The default as written in `config.yaml`; undefined without one. */
  readonly default: unknown;
}

/** Every setting in a schema of sections, in the order of the schema. */
export function annotatedIn<Path extends string>(schema: unknown, path = ''): Annotated<Path>[] {
  const annotation = annotations.get(schema as z.ZodType);
  if (annotation !== undefined) {
    const { description = '', def } = schema as z.ZodDefault;
    return [{ ...annotation, description, path: path as Path, default: def.defaultValue }];
  }
  const { shape } = (schema instanceof z.ZodPrefault ? schema.unwrap() : schema) as z.ZodObject;
  const prefix = path === '' ? '' : `${path}.`;
  return Object.entries(shape).flatMap(([key, inner]) => annotatedIn<Path>(inner, prefix + key));
}

/** An integer, from YAML as a number or from the environment as text. */
export function integer(min: number, max: number) {
  const rule = `must be an integer between ${min} and ${max}`;
  const text = z.string().regex(/^\d+$/).transform(Number);
  return z.union([z.number(), text], rule).pipe(z.int(rule).min(min, rule).max(max, rule));
}

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Max delay of a timer of Node.js, in whole days; a longer one fires at once. */
const maxTimer = '24d';

/** `500ms`, `15s`, `10m`, `1h`, `7d`, or `0`, as milliseconds. The bounds are written in the same way. */
export function duration(min: string, max = maxTimer) {
  return measure(/^(?:(\d{1,12})(ms|s|m|h|d)|0)$/, unitMs, '500ms, 15s, 10m, 1h or 7d', min, max);
}

const unitBytes = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

/** `100B`, `256KiB`, `1MiB`, `2GiB`, as bytes. */
export function size() {
  return measure(/^(\d{1,12})(B|KiB|MiB|GiB)$/, unitBytes, '256KiB, 1MiB or 2GiB', '1B', '1024GiB');
}

function measure(
  pattern: RegExp,
  units: Readonly<Record<string, number>>,
  examples: string,
  min: string,
  max: string,
) {
  const parse = (value: string) => {
    const [, count = 0, unit = ''] = pattern.exec(value) as RegExpExecArray;
    return Number(count) * (units[unit] ?? 0);
  };
  const rule = `must be written like ${examples}`;
  return z
    .union([z.string(), z.number().transform(String)], rule)
    .pipe(z.string().regex(pattern, rule).transform(parse))
    .pipe(
      z
        .number()
        .min(parse(min), `must be at least ${min}`)
        .max(parse(max), `must be at most ${max}`),
    );
}

/** A boolean; `z.coerce.boolean()` would parse "false" as true. */
export const flag = z.union([z.boolean(), z.stringbool()], 'must be true or false');

/** A flag, or `auto`: the service decides. */
export const autoFlag = z.union([z.literal('auto'), flag], 'must be auto, true or false');

export function oneOf<const Name extends string>(names: readonly Name[]) {
  return z.enum(names, `must be ${names.slice(0, -1).join(', ')} or ${names.at(-1)}`);
}

const textRule = 'must be text; in YAML, put quotes around a number';

export const text = z.string(textRule).min(1, 'must not be empty');

/** Optional text; in YAML, a key without a value is null. */
export const optionalText = z
  .string(textRule)
  .nullish()
  .transform((value) => value ?? undefined);

/** A YAML list, or comma-separated text; in YAML, a key without a value is an empty list. */
export function listOf<Item extends z.ZodType>(item: Item) {
  const split = (value: unknown) =>
    typeof value === 'string' ? value.split(',').map((part) => part.trim()) : (value ?? []);
  return z.preprocess(split, z.array(item, 'must be a list')).prefault([]);
}

/** Why a file cannot be read, without the words of Node.js, which may quote its path in code. */
export function unreadableReason(error: unknown): string {
  const { errno = 0 } = error as NodeJS.ErrnoException;
  return getSystemErrorMap().get(errno)?.[1] ?? 'this is not the path of a file';
}
