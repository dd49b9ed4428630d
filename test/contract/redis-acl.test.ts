import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { redisBackendOn } from '../support/backends.js';
import { ClusterOfTest, call } from '../support/cluster-of-test.js';
import { RedisServer } from '../support/redis-server.js';
import { streamManagerContract } from './stream-manager-contract.js';

const operations = resolve(import.meta.dirname, '../../docs/operations.md');
const login = { username: 'rejoin', password: 'PASSWORD' };

/** The rights that the documents ask for: of any Redis, and more for a cluster. */
const [rights, clusterRights] = [
  ...readFileSync(operations, 'utf8').matchAll(/^ACL SETUSER rejoin (.+)$/gm),
].map(([, rules]) => rules?.split(' ') ?? []) as [string[], string[]];

async function admit(server: RedisServer, rules: readonly string[]): Promise<void> {
  await call(server, 'ACL', 'SETUSER', login.username, ...rules);
}

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
  await admit(server, rights);
});
afterAll(() => server.stop());

const cluster = ClusterOfTest.forSuite();
beforeAll(() =>
  Promise.all(cluster.servers.map((node) => admit(node, [...rights, ...clusterRights]))),
);

/** For each manager, as some have another time to live. */
const prefix = () => `stream:events:${randomUUID()}`;

const onServer = () => ({ ...login, prefix: prefix(), addresses: [server.endpoint] });
streamManagerContract(redisBackendOn('redis, with the rights of the documents,', onServer));

const onCluster = () => ({ ...login, prefix: prefix(), ...cluster.options });
streamManagerContract(
  redisBackendOn('redis cluster, with the rights of the documents,', onCluster),
);
