import { redisBackendOn } from '../support/backends.js';
import { ClusterOfTest } from '../support/cluster-of-test.js';
import { streamManagerContract } from './stream-manager-contract.js';

const cluster = ClusterOfTest.forSuite();

streamManagerContract(redisBackendOn('redis cluster', () => cluster.options));
