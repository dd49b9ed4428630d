import { describe, expect, it } from 'vitest';
import { compareRounds } from '../../tools/bench/comparison/compare-builds.js';
import { judgeRatios } from '../../tools/bench/comparison/paired-ratio.js';
import { allScenarios } from '../../tools/bench/scenarios/all-scenarios.js';
import type { FigureColumn } from '../../tools/bench/scenarios/scenario.js';

/** By which each round differs from the next, whatever is measured. */
const noise = [0.97, 1.02, 1.01, 0.99, 1.03, 0.98, 1.0, 1.02, 0.96, 1.01];

const times = (factor: number, values = noise) => values.map((value) => value * factor);

describe('The ratios of two builds', () => {
  it.each([
    ['equal, show no difference', times(1), 'no difference shown'],
    ['of one that is 10 % slower, say so', times(1.1), 'slower'],
    ['of one that is 10 % faster, say so', times(1 / 1.1), 'faster'],
    ['of one that is 4 % slower, are within the tolerance', times(1.04), 'no difference shown'],
    [
      'that scatter widely, show nothing, though their median is 10 % above',
      times(1.1, [0.6, 1.5, 0.8, 1.3, 0.7, 1.9, 1, 1.2, 0.9, 1.1]),
      'no difference shown',
    ],
    [
      'of one that is 10 % slower, say so despite one round that went wrong',
      [...times(1.1).slice(1), 0.2],
      'slower',
    ],
    ['that are five, are too few', times(2).slice(0, 5), 'too few rounds'],
    ['that are none, are too few', [], 'too few rounds'],
  ])('%s', (_title, ratios, verdict) => {
    expect(judgeRatios(ratios).verdict).toBe(verdict);
  });

  it('have the interval of the sign test', () => {
    const intervalOf = (count: number) =>
      judgeRatios(Array.from({ length: count }, (_, index) => count - index)).interval;
    // As tables have it, e.g. Conover, Practical Nonparametric Statistics, for 95 %.
    expect(intervalOf(5)).toBeNull();
    expect(intervalOf(6)).toEqual([1, 6]);
    expect(intervalOf(9)).toEqual([2, 8]);
    expect(intervalOf(10)).toEqual([2, 9]);
    expect(intervalOf(20)).toEqual([6, 15]);
    expect(intervalOf(30)).toEqual([10, 21]);
  });

  it('hold the true median about as often as they promise', () => {
    let seed = 1;
    const random = () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    let held = 0;
    for (let sample = 0; sample < 2000; sample += 1) {
      const ratios = Array.from({ length: 10 }, () => Math.exp(random() - 0.5));
      const [low, high] = judgeRatios(ratios).interval as [number, number];
      if (low <= 1 && high >= 1) held += 1;
    }
    expect(held / 2000).toBeGreaterThan(0.965);
    expect(held / 2000).toBeLessThan(0.99);
  });
});

describe('A comparison of rounds', () => {
  const figures: FigureColumn[] = [
    { name: 'perSecond', title: 'events/s', better: 'higher' },
    { name: 'us', title: 'CPU µs', better: 'lower' },
    { name: 'commands', title: 'Redis commands', better: 'lower' },
  ];
  const compare = (perSecond: number, us: number) =>
    compareRounds(
      { name: 'fan-out', figures },
      'rejoin',
      noise.map((factor) => [
        { perSecond: perSecond * factor, us: us * factor, commands: Number.NaN },
        { perSecond: 1000, us: 10, commands: Number.NaN },
      ]),
    ).map(({ figure, verdict }) => [figure, verdict]);

  it('knows which way each figure counts, and leaves out what was not measured', () => {
    expect(compare(800, 8)).toEqual([
      ['perSecond', 'slower'],
      ['us', 'faster'],
    ]);
    expect(compare(1250, 12.5)).toEqual([
      ['perSecond', 'faster'],
      ['us', 'slower'],
    ]);
  });

  it('knows for every figure of every scenario which way it counts', () => {
    for (const { figures } of allScenarios) {
      for (const { title, better } of figures) {
        const isRate = /\/s$|events per core-second|per core-second/.test(title);
        expect([title, better]).toEqual([title, isRate ? 'higher' : 'lower']);
      }
    }
  });
});
