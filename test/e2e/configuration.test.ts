import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/config.js';
import type { ServiceProcess } from '../support/service-process.js';
import { directoryWith, type Environment, startService } from '../support/test-processes.js';
import { eventsUrl, postText } from '../support/worker.js';

/** Each layer sets another limit. */
const yaml = 'limits: { event_bytes: 100B }\n';
const dotenv = 'LIMITS_EVENT_BYTES=200B\n';
const variable = { LIMITS_EVENT_BYTES: '300B' };

describe('The settings', () => {
  it('come from config.yaml in the working directory', () => {
    expect(limitWith({}, { 'config.yaml': yaml })).toBe(100);
  });

  it('come from .env before config.yaml', () => {
    expect(limitWith({}, { 'config.yaml': yaml, '.env': dotenv })).toBe(200);
  });

  it('come from the environment before .env', () => {
    expect(limitWith(variable, { 'config.yaml': yaml, '.env': dotenv })).toBe(300);
  });

  it('are used by the service that is started with them', async () => {
    expect(await limitOfService(variable, { 'config.yaml': yaml, '.env': dotenv })).toBe(300);
    expect(await limitOfService({}, { 'config.yaml': yaml, '.env': dotenv })).toBe(200);
  });

  it('treat an empty variable as unset', () => {
    const empty = { LIMITS_EVENT_BYTES: '' };
    expect(limitWith(empty, { 'config.yaml': yaml, '.env': dotenv })).toBe(200);
    const emptyToo = { 'config.yaml': yaml, '.env': 'LIMITS_EVENT_BYTES=\n' };
    expect(limitWith(empty, emptyToo)).toBe(100);
  });

  it('come from CONFIG_FILE instead of config.yaml', () => {
    const files = { 'config.yaml': yaml, 'other.yaml': 'limits: { event_bytes: 400B }\n' };
    expect(limitWith({ CONFIG_FILE: 'other.yaml' }, files)).toBe(400);
  });

  it('accept CONFIG_FILE in .env', () => {
    const files = { '.env': 'CONFIG_FILE=other.yaml\n', 'other.yaml': yaml };
    expect(limitWith({}, files)).toBe(100);
  });

  it('treat an empty config.yaml, and keys without a value, as unset', () => {
    expect(limitWith(variable, { 'config.yaml': '' })).toBe(300);
    const valueless = 'limits:\nstream_manager:\n  redis:\n    password:\n';
    expect(limitWith(variable, { 'config.yaml': valueless })).toBe(300);
  });
});

/** The largest event with these settings. */
function limitWith(environment: Environment, files: Record<string, string>): number {
  return loadConfig(environment, directoryWith(files)).limits.eventBytes;
}

/** The largest event that a service with these settings takes, of those that the tests set. */
async function limitOfService(environment: Environment, files: Record<string, string>) {
  const service = await startService(environment, directoryWith(files));
  // Each is tried with an event just below and above it.
  const limits = [100, 200, 300, 400];
  const statuses: number[] = [];
  for (const limit of limits) statuses.push(await statusOf(service, limit + 1));
  const rejected = statuses.indexOf(413);
  expect(statuses).toEqual(limits.map((_, index) => (index < rejected ? 201 : 413)));
  const limit = limits[rejected] as number;
  expect(await statusOf(service, limit)).toBe(201);
  return limit;
}

async function statusOf(service: ServiceProcess, bytes: number): Promise<number> {
  const empty = '{"type":"answer","content":""}';
  const event = empty.replace('""', `"${'x'.repeat(bytes - empty.length)}"`);
  return (await postText(eventsUrl(service.url), event)).status;
}
