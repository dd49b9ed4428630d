import type { ScenarioResult } from '../results.js';
import { subscriberFigure, subscriberPoints } from '../scenarios/growth.js';
import type { SystemName } from '../systems/system.js';
import { drawLines, type Line } from './line-plot.js';

/** Told apart by those who see colours otherwise, too (Okabe and Ito). */
const colours: Record<SystemName, string> = {
  rejoin: '#0072b2',
  'rejoin-redis': '#56b4e9',
  bare: '#444444',
  'bare-redis': '#999',
  'bare-pubsub': '#999',
  poll: '#d55e00',
  nchan: '#009e73',
  'durable-streams': '#cc79a7',
};

/** CPU for each delivered event against subscribers; null when that was not measured. */
export function drawGrowth(results: readonly ScenarioResult[]): string | null {
  const growth = results.find(({ scenario }) => scenario === 'growth');
  if (growth === undefined) return null;
  const lines = Object.entries(growth.systems).map(([system, { median }]): Line => {
    const points = subscriberPoints.map(
      (count) => [count, median[subscriberFigure(count)] ?? 0] as const,
    );
    return { name: system, colour: colours[system as SystemName], points };
  });
  return drawLines({
    title: 'CPU of the server for each delivered event, µs, at 20,000 deliveries a second',
    xTitle: 'subscribers of one stream',
    lines,
  });
}
