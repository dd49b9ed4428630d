import { type ErrorCode, errorTable } from '../errors.js';
import { challengeHeader, retryAfterHeader } from './headers.js';
import type { Answer, Header, Operation } from './operation.js';
import { problemRef } from './schemas.js';

/** What makes a route refuse, beside what its operation names. */
export interface Circumstances {
  readonly takesIds: boolean;
  readonly needsKey: boolean;
}

/** The problems that a route answers with, by their status. */
export function problemAnswers(
  operation: Operation,
  circumstances: Circumstances,
): Record<number, Answer> {
  const codes = codesOf(operation, circumstances);
  const statuses = [...new Set(codes.map((code) => errorTable[code].status))].sort();
  return Object.fromEntries(
    statuses.map((status) => {
      const own = codes.filter((code) => errorTable[code].status === status);
      return [status, toAnswer(status, own, operation)];
    }),
  );
}

function codesOf({ problems, usesStore }: Operation, { takesIds, needsKey }: Circumstances) {
  const codes: ErrorCode[] = [...problems];
  if (takesIds) codes.push('invalid_id');
  if (needsKey) codes.push('unauthorized', 'forbidden');
  if (usesStore === true) codes.push('backend_unavailable', 'internal');
  return codes;
}

function toAnswer(status: number, codes: readonly ErrorCode[], operation: Operation): Answer {
  const { reportsStored = false } = operation;
  const headers = headersOf(status, operation);
  const examples = codes.map((code) => [code, { value: exampleOf(code, reportsStored) }] as const);
  return {
    description: codes.map((code) => `\`${code}\`: ${errorTable[code].title}.`).join(' '),
    ...(headers.length > 0 && { headers }),
    content: {
      'application/problem+json': {
        schema: {
          type: 'object',
          allOf: [problemRef],
          properties: { status: { const: status }, code: { enum: codes } },
          ...(reportsStored && { required: ['stored'] }),
        },
        examples: Object.fromEntries(examples),
      },
    },
  };
}

function headersOf(status: number, { saysWhenToReturn }: Operation): readonly Header[] {
  if (status === 401) return [challengeHeader];
  if (status === 429) return [{ ...retryAfterHeader, required: true }];
  return status === 503 && saysWhenToReturn === true ? [retryAfterHeader] : [];
}

function exampleOf(code: ErrorCode, reportsStored: boolean) {
  const { status, title, stored } = errorTable[code];
  const base = { type: `urn:rejoin:problem:${code}`, title, status, detail: '…', code };
  const example = { ...base, instance: '/sessions/s1/messages/m1/events' };
  if (!reportsStored) return example;
  return { ...example, stored, ...(stored === null && { storedAtLeast: 0 }) };
}
