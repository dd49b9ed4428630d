import { redisBackendOn } from '../support/backends.js';
import { SentinelOfTest } from '../support/sentinel-of-test.js';
import { streamManagerContract } from './stream-manager-contract.js';

const sentinel = SentinelOfTest.forSuite();

streamManagerContract(redisBackendOn('redis sentinel', () => sentinel.options));
