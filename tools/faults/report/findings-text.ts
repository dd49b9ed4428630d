import type { Findings } from '../findings.js';

/** One line. */
export function findingsText(found: Findings): string {
  const counts = [
    [found.acknowledgedAppends, 'appends acknowledged'],
    [found.acknowledgedEvents, 'events in them'],
    [found.acknowledgedInputs, 'inputs'],
    [found.lostEvents, 'lost'],
    [found.repeatedEvents, 'repeated'],
    [found.rejectedAppends, 'rejected'],
    [found.unknownAppends, 'unknown'],
    [found.resets, 'resets'],
  ] as const;
  const worst = Object.entries(found.worst).map(([name, value]) => `${name} ${rounded(value)}`);
  const breaches = `${found.breaches.length} breaches, ${found.late.length} late`;
  const parts = counts.map(([count, what]) => `${count.toLocaleString('en')} ${what}`);
  return [...parts, ...worst, breaches].join(', ');
}

export function rounded(value: number): string {
  const digits = Math.abs(value) < 10 ? 1 : 0;
  return value.toLocaleString('en', { maximumFractionDigits: digits });
}
