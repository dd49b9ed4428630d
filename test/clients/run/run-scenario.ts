import { Scope } from '../../../tools/faults/scope.js';
import { RedisServer } from '../../support/redis-server.js';
import { ServiceProcess } from '../../support/service-process.js';
import { isReady, onRedis } from '../../support/test-processes.js';
import type { ForeignClient } from '../foreign-client.js';
import type { ScenarioName } from '../scenario.js';
import { Lane } from './lane.js';
import { Run } from './run.js';
import { scripts } from './scripts.js';
import type { Verdict } from './verdict.js';

export interface Result {
  readonly client: ForeignClient;
  readonly scenario: ScenarioName;
  readonly verdict: Verdict;
}

export interface RunOptions {
  /** Where the scenario does not need the one that it usually has. */
  readonly backend?: 'memory' | 'Redis';
  /** Of the service, for these clients: the origin of pages. */
  readonly settings?: Readonly<Record<string, string>>;
  /** For how long a restart keeps clients out, at least: long enough that their connections are refused. */
  readonly awayMs?: number;
}

/** Heartbeats are more frequent than the time-outs of clients that have some. */
const commonSettings = { FEED_LINGER: '200ms', FEED_HEARTBEAT: '1s' };

/** Plays a scenario for all these clients at a time, on one service. */
export async function runScenario(
  scenario: ScenarioName,
  clients: readonly ForeignClient[],
  options: RunOptions = {},
): Promise<readonly Result[]> {
  const script = scripts[scenario];
  const { backend = script.backend, settings = {}, awayMs = 0 } = options;
  const scope = new Scope();
  try {
    const redis =
      backend === 'Redis' ? scope.add(await RedisServer.start(), (server) => server.stop()) : null;
    const startService = async () => {
      const own = { ...commonSettings, ...script.settings, ...settings };
      const environment = redis === null ? own : onRedis(redis, own);
      const service = await ServiceProcess.listening(environment);
      scope.add(service, (process) => process.kill());
      await isReady(service);
      return service;
    };
    const service = await startService();
    const port = Number(new URL(service.url).port);
    const lanes = await Promise.all(
      clients.map((client, index) => Lane.open(client, scenario, `s${index}`, port)),
    );
    for (const lane of lanes) scope.add(lane, () => lane.close());
    await script.play(new Run(lanes, startService, service, awayMs));
    return await Promise.all(lanes.map(resultOf));
  } finally {
    await scope.end();
  }
}

async function resultOf(lane: Lane): Promise<Result> {
  const { client, scenario } = lane;
  return { client, scenario, verdict: await lane.verdict() };
}

/** What is wrong with a result: a client fails that should not, or no longer fails where the table says so. */
export function surpriseIn({ client, scenario, verdict }: Result): string | null {
  const limit = client.limits[scenario];
  if (limit === undefined) return verdict === 'ok' ? null : verdict;
  return verdict === 'ok' ? `ok, although a limit is listed: ${limit}` : null;
}
