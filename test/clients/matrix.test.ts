import { describe, it } from 'vitest';
import { eventSources } from './node/event-sources.js';
import { fetchClients } from './node/fetch-clients.js';
import { programs } from './node/programs.js';
import { type RunOptions, runScenario, surpriseIn } from './run/run-scenario.js';
import type { ScenarioName } from './scenario.js';

/** One of each kind, as it is. `npm run test:clients` runs all through everything. */
const names = [
  'eventsource 2',
  'eventsource 4',
  'undici 7',
  'eventsource-parser 3 and `fetch`',
  'curl in a shell loop',
  'Python urllib',
];
const clients = [...eventSources, ...fetchClients, ...programs].filter(
  ({ name, option }) => names.includes(name) && option === null,
);

// They mostly wait for the time after which a client reconnects: so all at once.
describe.concurrent('Third-party clients get each event once, and stop at the end', () => {
  const cases: [ScenarioName, RunOptions][] = [
    ['FIN in a frame', { backend: 'memory' }],
    ['RST', { backend: 'Redis' }],
    ['restart, Redis', {}],
  ];

  it.for(cases)('%s', async ([scenario, options], { expect }) => {
    const results = await runScenario(scenario, clients, options);
    const surprises = results.flatMap((result) => {
      const surprise = surpriseIn(result);
      return surprise === null ? [] : [`${result.client.name}: ${surprise}`];
    });
    expect(surprises).toEqual([]);
    expect(results).toHaveLength(names.length);
  });
});
