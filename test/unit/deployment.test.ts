import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { loadConfig } from '../../src/config.js';
import { environmentOf, readCopy, readDockerfile, textsOf } from '../support/dockerfile.js';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

const config = loadConfig({}, join(root, 'test'));

/** From SIGTERM on, the process takes no longer: the drain delay and the limit of a shutdown. */
const longestStopSeconds = config.server.drainDelayMs / 1000 + 15;

describe('The Dockerfile', () => {
  const stages = readDockerfile(join(root, 'Dockerfile'));
  const final = stages.at(-1) as (typeof stages)[number];
  const copies = stages.flatMap((stage) => textsOf(stage, 'COPY').map(readCopy));

  it('copies only what is there and what .dockerignore lets through', () => {
    const allowed = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'));
    const own = copies.filter(({ stage }) => stage === null).flatMap(({ sources }) => sources);
    expect(own.filter((source) => !existsSync(join(root, source)))).toEqual([]);
    expect([...new Set(own)].sort()).toEqual(allowed.map((line) => line.slice(1)).sort());
  });

  it('copies from stages that come before', () => {
    const names = stages.map(({ name }) => name);
    const used = copies.flatMap(({ stage }) => (stage === null ? [] : [stage]));
    expect(used.filter((name) => !names.includes(name))).toEqual([]);
    expect(used.length).toBeGreaterThan(0);
  });

  it('installs and builds nothing in its last stage, and takes no packages for development', () => {
    expect(textsOf(final, 'RUN')).toEqual([]);
    const source = textsOf(final, 'COPY').find((text) => text.includes('node_modules')) as string;
    const { stage } = readCopy(source);
    const from = stages.find(({ name }) => name === stage);
    expect(from && textsOf(from, 'RUN')).toEqual(['npm ci --omit=dev']);
  });

  it('runs node itself, as a user that is a number and not root, on all addresses', () => {
    expect(textsOf(final, 'USER')).toEqual([expect.stringMatching(/^[1-9]\d*:[1-9]\d*$/)]);
    expect(JSON.parse(textsOf(final, 'CMD')[0] as string)).toEqual(['node', 'dist/main.js']);
    expect(environmentOf(final)).toMatchObject({ HOST: '0.0.0.0', PORT: '8080' });
  });
});

interface ComposeService {
  readonly image?: string;
  readonly build?: string;
  readonly restart?: string;
  readonly depends_on?: Record<string, { condition: string }>;
  readonly environment?: Record<string, string>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly command?: readonly string[];
  readonly healthcheck?: { test: readonly string[] };
  readonly stop_grace_period?: string;
  readonly read_only?: boolean;
}

interface ComposeFile {
  readonly services: Record<string, ComposeService>;
  readonly volumes?: Record<string, unknown>;
}

describe.each(['docker-compose.yml', 'docker-compose.dev.yml'])('%s', (name) => {
  const file = parse(read(name)) as ComposeFile;
  const services = Object.values(file.services);

  it('has only keys that Compose knows, on services with an image', () => {
    const known = `build cap_drop command depends_on environment healthcheck image ports read_only
      restart security_opt stop_grace_period volumes`.split(/\s+/);
    const used = services.flatMap((service) => Object.keys(service));
    expect(used.filter((key) => !known.includes(key))).toEqual([]);
    expect(services.every(({ image, build }) => (image ?? build) !== undefined)).toBe(true);
  });

  it('names only services and volumes that it has', () => {
    const needed = services.flatMap(({ depends_on = {} }) => Object.entries(depends_on));
    for (const [service, { condition }] of needed) {
      expect(condition).toBe('service_healthy');
      expect(file.services[service]?.healthcheck).toBeDefined();
    }
    const mounted = services.flatMap(({ volumes = [] }) => volumes.map((one) => one.split(':')[0]));
    expect(mounted).toEqual(Object.keys(file.volumes ?? {}));
  });

  it('publishes ports on this machine only', () => {
    const ports = services.flatMap((service) => service.ports ?? []);
    expect(ports.length).toBeGreaterThan(0);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });

  it('has a Redis with a password that deletes no stream for want of memory', () => {
    const { command = [] } = file.services.redis as ComposeService;
    expect(argumentOf(command, '--requirepass')).toMatch(/^\$\{REDIS_PASSWORD:/);
    expect(argumentOf(command, '--maxmemory-policy')).toBe('noeviction');
  });
});

describe('docker-compose.yml', () => {
  const text = read('docker-compose.yml');
  const { rejoin, redis } = (parse(text) as ComposeFile).services as {
    rejoin: ComposeService;
    redis: ComposeService;
  };

  it('holds no secret, and does not start without those that it needs', () => {
    const secrets = [...text.matchAll(/\$\{(\w*(?:PASSWORD|KEYS)\w*)(\W*)/g)];
    expect(secrets.every(([, , operator]) => operator === ':?')).toBe(true);
    expect(new Set(secrets.map(([, name]) => name))).toEqual(
      new Set(['REDIS_PASSWORD', 'AUTH_PRODUCER_KEYS']),
    );
  });

  it('gives the service the time to drain', () => {
    expect(Number.parseInt(rejoin.stop_grace_period as string, 10)).toBeGreaterThan(
      longestStopSeconds,
    );
  });

  it('keeps what Redis acknowledged, and restarts what ends', () => {
    expect(argumentOf(redis.command ?? [], '--appendonly')).toBe('yes');
    expect([rejoin.restart, redis.restart]).toEqual(['unless-stopped', 'unless-stopped']);
    expect(redis.volumes).toHaveLength(1);
    expect(rejoin.read_only).toBe(true);
  });
});

describe('docs/kubernetes.yaml', () => {
  const documents = parseAllDocuments(read('docs/kubernetes.yaml'));
  const objects = documents.map((document) => document.toJS());
  const byKind = (kind: string) => objects.find((object) => object.kind === kind);
  const { replicas, template } = byKind('Deployment').spec;
  const [container] = template.spec.containers;

  it('is YAML, one object a document', () => {
    expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
    expect(objects.map(({ kind }) => kind)).toEqual([
      'Deployment',
      'Service',
      'PodDisruptionBudget',
      'Ingress',
    ]);
  });

  it('runs several nodes on Redis, with time to drain', () => {
    expect(replicas).toBeGreaterThanOrEqual(2);
    const variables = Object.fromEntries(
      container.env.map(({ name, value }: { name: string; value: string }) => [name, value]),
    );
    const settings = { ...variables, HOST: '127.0.0.1' };
    const { streamManager, server } = loadConfig(settings, join(root, 'test'));
    expect(streamManager.type).toBe('redis');
    const { periodSeconds, failureThreshold } = container.readinessProbe;
    expect(server.drainDelayMs / 1000).toBeGreaterThan(periodSeconds * failureThreshold);
    expect(template.spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(longestStopSeconds);
  });

  it('probes the routes for it, and runs without rights', () => {
    expect(container.readinessProbe.httpGet.path).toBe('/readyz');
    expect(container.livenessProbe.httpGet.path).toBe('/healthz');
    expect(template.spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  it('selects the pods that it makes', () => {
    const { labels } = template.metadata;
    expect(byKind('Service').spec.selector).toEqual(labels);
    expect(byKind('PodDisruptionBudget').spec.selector.matchLabels).toEqual(labels);
    expect(byKind('Deployment').spec.selector.matchLabels).toEqual(labels);
  });
});

/** What follows this option on a command line. */
function argumentOf(command: readonly string[], option: string): string | undefined {
  return command[command.indexOf(option) + 1];
}
