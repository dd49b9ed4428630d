import { afterAll, beforeAll, describe } from 'vitest';
import type { Backend, BackendOptions } from '../support/backends.js';
import { appendAndReadContract } from './append-and-read.js';
import { deleteAndListContract } from './delete-and-list.js';
import { findMovedContract } from './find-moved.js';
import { inputsContract } from './inputs.js';
import { leasesContract } from './leases.js';
import { lifecycleContract } from './lifecycle.js';
import type { Manager, ManagerSource } from './manager-source.js';
import { producersContract } from './producers.js';
import { timeToLiveContract } from './time-to-live.js';
import { watchContract } from './watch.js';

/** What every backend must hold: the doc comments of `StreamManager`, as tests. */
export function streamManagerContract(backend: Backend): void {
  describe(`The ${backend.name} stream manager`, () => {
    const created: Manager[] = [];
    const create = async (options: BackendOptions) => {
      const manager = await backend.create(options);
      created.push(manager);
      return manager;
    };
    const source: ManagerSource = Object.assign(() => created[0] as Manager, { with: create });

    beforeAll(() => create({}));
    afterAll(() => Promise.all(created.map((manager) => manager.close())));

    appendAndReadContract(source);
    findMovedContract(source);
    lifecycleContract(source);
    producersContract(source);
    leasesContract(source);
    timeToLiveContract(source);
    deleteAndListContract(source);
    inputsContract(source);
    watchContract(source, backend.name === 'memory');
  });
}
