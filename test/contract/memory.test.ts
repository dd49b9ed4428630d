import { memoryBackend } from '../support/backends.js';
import { streamManagerContract } from './stream-manager-contract.js';

streamManagerContract(memoryBackend);
