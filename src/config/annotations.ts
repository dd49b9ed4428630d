import { z } from 'zod';

interface Annotation {
  readonly variable: string;
  /** One line, with other settings in backticks. */
  readonly description: string;
  /** A variable that names a file with the value. */
  readonly fileVariable?: string;
}

const annotations = z.registry<Annotation>();

export function setting<Schema extends z.ZodType>(
  variable: string,
  schema: Schema,
  description: string,
): Schema {
  return annotate(schema, { variable, description });
}

/** A setting whose value may be in a file, named by the variable with the suffix `_FILE`. */
export function fileSetting<Schema extends z.ZodType>(
  variable: string,
  schema: Schema,
  description: string,
): Schema {
  return annotate(schema, { variable, description, fileVariable: `${variable}_FILE` });
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
  /** The default as written in `config.yaml`; undefined without one. */
  readonly default: unknown;
}

/** Every setting in a schema of sections, in the order of the schema. */
export function annotatedIn<Path extends string>(schema: unknown, path = ''): Annotated<Path>[] {
  const annotation = annotations.get(schema as z.ZodType);
  if (annotation !== undefined) {
    const { defaultValue } = (schema as z.ZodDefault).def;
    return [{ ...annotation, path: path as Path, default: defaultValue }];
  }
  const { shape } = (schema instanceof z.ZodPrefault ? schema.unwrap() : schema) as z.ZodObject;
  const prefix = path === '' ? '' : `${path}.`;
  return Object.entries(shape).flatMap(([key, inner]) => annotatedIn<Path>(inner, prefix + key));
}
