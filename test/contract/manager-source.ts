import type { Backend, BackendOptions } from '../support/backends.js';

export type Manager = Awaited<ReturnType<Backend['create']>>;

/** The manager that most tests share, and ones with settings of their own. */
export interface ManagerSource {
  (): Manager;
  with(options: BackendOptions): Promise<Manager>;
}
