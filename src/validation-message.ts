import type { z } from 'zod';
import { excerpt } from './errors.js';

/** What is wrong with a value that a schema rejects. */
export interface Issue {
  /** The path of the field, with dots; empty for the value itself. */
  readonly field: string;
  /** A message that follows the name of the field: "is required", "must be a string". */
  readonly message: string;
}

/** The types of zod in the terms of JSON. */
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
  // Custom messages make parsing several times slower, so they are used only for a value that is invalid.
  const { error } = schema.safeParse(value, { error: issueMessage });
  const issue = error?.issues[0] as z.core.$ZodIssue;
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]] : issue.path;
  return { field: excerpt(path.map(String).join('.')), message: issue.message };
}

/** @param whole name of the value itself */
export function describeIssue({ field, message }: Issue, whole: string): string {
  return field === '' ? `${whole} ${message}` : `${whole}: \`${field}\` ${message}`;
}

/**
 * A message that follows the name of the field. Pass it as `error` when parsing the input of others;
 * messages of the schema itself take precedence.
 */
function issueMessage(issue: z.core.$ZodRawIssue): string {
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
