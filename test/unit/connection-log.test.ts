import { expect, it } from 'vitest';
import { ConnectionLog } from '../../src/store/redis/connection/connection-log.js';
import { keepLog } from '../support/log-lines.js';

function newLog() {
  const { logger, lines } = keepLog();
  const log = new ConnectionLog(logger, 'rejoin');
  const fail = (...reasons: string[]) => {
    for (const reason of reasons) log.noteFailure('r:1', new Error(reason));
  };
  return { log, fail, reasons: () => lines.map(({ reason }) => reason) };
}

it('The connection log has each reason for which Redis is unreachable once, however many attempts fail', () => {
  const { log, fail, reasons } = newLog();
  fail('connect ETIMEDOUT', 'connect ETIMEDOUT', 'wrong certificate', 'connect ETIMEDOUT');
  fail('wrong certificate');
  expect(reasons()).toEqual(['connect ETIMEDOUT', 'wrong certificate']);
  log.noteSuccess('r:1');
  fail('wrong certificate');
  expect(reasons()).toEqual(['connect ETIMEDOUT', 'wrong certificate', 'wrong certificate']);
});

it('The connection log treats reasons that differ in a number only as one', () => {
  const { fail, reasons } = newLog();
  fail('Retrying from scratch after 50ms', 'Retrying from scratch after 100ms');
  expect(reasons()).toEqual(['Retrying from scratch after 50ms']);
});

it('The connection log has few reasons for which Redis is unreachable, though each attempt has another', () => {
  const { fail, reasons } = newLog();
  const names = Array.from({ length: 100 }, (_, index) => 'x'.repeat(index + 1));
  fail(...names);
  expect(reasons()).toEqual(names.slice(0, 10));
});
