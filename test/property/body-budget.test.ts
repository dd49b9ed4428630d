import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BodyBudget, type BodyShare } from '../../src/http/body/body-budget.js';

const maxBytes = 100;

interface Body {
  readonly response: EventEmitter;
  readonly share: BodyShare;
  finishWork: (() => void) | null;
}

/** What may happen to one of some bodies at any time, in any order, and again. */
const step = fc.record({
  which: fc.nat(5),
  what: fc.constantFrom('begin', 'complete', 'work', 'finish', 'release', 'close', 'renew', 'hold'),
  bytes: fc.nat(maxBytes + 1),
});

it('The body budget is the sum of the bodies in flight, never above its limit, and ends at zero', async () => {
  const property = fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
    const budget = new BodyBudget(maxBytes, -1);
    const all: Body[] = [];
    const renew = (which: number) => {
      const response = new EventEmitter();
      const share = budget.share(response as ServerResponse);
      all.push({ response, share, finishWork: null });
      bodies[which] = all.at(-1) as Body;
    };
    const bodies: Body[] = [];
    for (let which = 0; which <= 5; which += 1) renew(which);
    for (const { which, what, bytes } of steps) {
      const body = bodies[which] as Body;
      if (what === 'begin') body.share.begin(() => {});
      else if (what === 'complete') body.share.complete();
      else if (what === 'work') work(body);
      else if (what === 'finish') body.finishWork?.();
      else if (what === 'release') body.share.release();
      else if (what === 'close') body.response.emit('close');
      else if (what === 'renew') renew(which);
      else tryHold(body.share, bytes);
      await Promise.resolve();
      expect(budget.held).toBe(all.reduce((sum, { share }) => sum + share.held, 0));
      expect(budget.held).toBeGreaterThanOrEqual(0);
      expect(budget.held).toBeLessThanOrEqual(maxBytes);
    }
    for (const { response, finishWork } of all) {
      response.emit('close');
      finishWork?.();
    }
    await new Promise(setImmediate);
    expect(budget.held).toBe(0);
  });
  await fc.assert(property, { numRuns: 500 });
});

function work(body: Body): void {
  if (body.finishWork !== null) return;
  const done = new Promise<void>((resolve) => {
    body.finishWork = resolve;
  });
  void body.share.during(() => done);
}

function tryHold(share: BodyShare, bytes: number): void {
  try {
    share.hold(bytes);
  } catch (error) {
    expect(error).toMatchObject({ code: 'overloaded' });
  }
}
