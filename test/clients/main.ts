import { allClients } from './all-clients.js';
import { type Result, runScenario, surpriseIn } from './run/run-scenario.js';
import { scenarioNames } from './scenario.js';

const [names, words] = [process.argv[2]?.split(','), process.argv[3]];
const results: Result[] = [];
for (const scenario of scenarioNames) {
  if (names?.[0] && !names.includes(scenario)) continue;
  console.log(scenario, new Date().toISOString());
  const clients = allClients.filter(({ name }) => words === undefined || name.includes(words));
  const some = await runScenario(scenario, clients, { awayMs: 4000 });
  for (const result of some) {
    console.log(
      '  ',
      result.client.name,
      result.client.option ?? '',
      ':',
      result.verdict,
      surpriseIn(result) ? '!!!!!' : '',
    );
  }
  results.push(...some);
}
process.exit(results.some(surpriseIn) ? 1 : 0);
