import type { Measured, Outcome } from './results.js';
import type { Aim, Scenario } from './scenarios/scenario.js';
import type { SystemName } from './systems/system.js';

type Systems = Readonly<Partial<Record<SystemName, Measured>>>;

/** The aims for which everything was measured. */
export function outcomesOf({ aims, figures }: Scenario, systems: Systems): Outcome[] {
  return aims.flatMap((aim) => {
    const measured = systems[aim.system]?.median[aim.figure];
    const wanted = boundOf(aim, systems);
    if (measured === undefined || wanted === null) return [];
    const { system, figure } = aim;
    const title = figures.find(({ name }) => name === figure)?.title ?? figure;
    const ratio = aim.atLeast === undefined ? wanted / measured : measured / wanted;
    return [{ system, figure, aim: `${title} ${boundText(aim)}`, measured, wanted, ratio }];
  });
}

function boundOf({ figure, atLeast, atMost, times }: Aim, systems: Systems): number | null {
  const bound = (atLeast ?? atMost) as number;
  if (times === undefined) return bound;
  const theirs = systems[times]?.median[figure];
  return theirs === undefined ? null : bound * theirs;
}

function boundText({ atLeast, atMost, times }: Aim): string {
  const bound = (atLeast ?? atMost) as number;
  const sign = atLeast === undefined ? '≤' : '≥';
  return `${sign} ${bound.toLocaleString('en')}${times === undefined ? '' : ` × ${times}`}`;
}
