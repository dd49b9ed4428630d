import type { z } from 'zod';
import { excerpt } from './errors.js';

/** What is wrong with a value that a schema rejects. */
export interface Issue {
  /** The names that lead to the field, with dots between them; empty for the value itself. */
  readonly field: string;
  /** What follows the name of the field: "is required", "must be a string". */
  readonly message: string;
}

/** What zod expects, in the words of JSON. */
const kinds: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'an integer',
  number: 'a number',
  object: 'an object',
  record: 'an object',
  string: 'a string',
};

/** The first issue of a value that the schema rejects. */
export function findIssue(schema: z.ZodType, value: unknown): Issue {
  // Parsing takes several times as long with messages of one's own: only now that it has failed.
  const { error } = schema.safeParse(value, { error: issueMessage });
  const issue = error?.issues[0] as z.core.$ZodIssue;
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]] : issue.path;
  return { field: excerpt(path.map(String).join('.')), message: issue.message };
}

/** @param whole what the value itself is called */
export function describeIssue({ field, message }: Issue, whole: string): string {
  return field === '' ? `${whole} ${message}` : `${whole}: \`${field}\` ${message}`;
}

/**
 * Says what is wrong with a value, in words that follow its name. To be passed as `error` where a
 * schema parses what somebody else has written; messages of the schema itself come before it.
 */
export function issueMessage(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is required' : mustBe(kinds[issue.expected]);
    case 'invalid_value':
      return `must be ${issue.values.map(String).join(' or ')}`;
    case 'too_small':
      return `must ${haveOrBe(issue.origin)} at least ${issue.minimum}${unit(issue.origin)}`;
    case 'too_big':
      return `must ${haveOrBe(issue.origin)} at most ${issue.maximum}${unit(issue.origin)}`;
    case 'unrecognized_keys':
      return 'is an unknown field';
    default:
      return 'is invalid';
  }
}

function mustBe(kind: string | undefined): string {
  return kind === undefined ? 'is invalid' : `must be ${kind}`;
}

function haveOrBe(origin: string): string {
  return unit(origin) === '' ? 'be' : 'have';
}

function unit(origin: string): string {
  if (origin === 'string') return ' characters';
  return origin === 'array' ? ' elements' : '';
}
