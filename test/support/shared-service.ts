import { afterAll, beforeAll } from 'vitest';
import { ServiceProcess } from './service-process.js';
import { countTests } from './test-count.js';
import type { Environment } from './test-processes.js';

interface SharedService extends Pick<ServiceProcess, 'url' | 'output'> {
  /** A session of the test's own. */
  readonly sid: string;
}

/**
 * Starts a service for all tests of a suite.
 *
 * @param environmentOf asked when the suite begins
 */
export function sharedService(environmentOf: () => Environment): SharedService {
  let service: ServiceProcess;
  const testCount = countTests();
  beforeAll(async () => {
    service = await ServiceProcess.listening(environmentOf());
  });
  afterAll(() => service.kill());
  return {
    get url() {
      return service.url;
    },
    get output() {
      return service.output;
    },
    get sid() {
      return `s${testCount()}`;
    },
  };
}
