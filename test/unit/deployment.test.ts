import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { scopes } from '../../src/auth/api-keys.js';
import { loadConfig } from '../../src/config/config.js';
import { environmentVariables, settings } from '../../src/config/settings.js';
import { memoryBackend } from '../support/backends.js';
import { environmentOf, readCopy, readDockerfile, textsOf } from '../support/dockerfile.js';
import { routePaths } from '../support/route-paths.js';
import { buildTestApp } from '../support/test-app.js';
import { directoryWith } from '../support/test-processes.js';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

const config = loadConfig({}, join(root, 'test'));

/** From SIGTERM on, the process takes no longer: the drain delay and the limit of a shutdown. */
const longestStopSeconds = config.server.drainDelayMs / 1000 + 15;

describe('The Dockerfile', () => {
  const stages = readDockerfile(join(root, 'Dockerfile'));
  const final = stages.at(-1) as (typeof stages)[number];
  const copies = stages.flatMap((stage) => textsOf(stage, 'COPY').map(readCopy));

  it('copies only files that exist and that .dockerignore lets through', () => {
    const allowed = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'));
    const own = copies.filter(({ stage }) => stage === null).flatMap(({ sources }) => sources);
    expect(own.filter((source) => !existsSync(join(root, source)))).toEqual([]);
    expect([...new Set(own)].sort()).toEqual(allowed.map((line) => line.slice(1)).sort());
  });

  it('copies from earlier stages only', () => {
    const names = stages.map(({ name }) => name);
    const used = copies.flatMap(({ stage }) => (stage === null ? [] : [stage]));
    expect(used.filter((name) => !names.includes(name))).toEqual([]);
    expect(used.length).toBeGreaterThan(0);
  });

  it('installs and builds nothing in its last stage, and has no development packages', () => {
    expect(textsOf(final, 'RUN')).toEqual([]);
    const source = textsOf(final, 'COPY').find((text) => text.includes('node_modules')) as string;
    const { stage } = readCopy(source);
    const from = stages.find(({ name }) => name === stage);
    expect(from && textsOf(from, 'RUN')).toEqual(['npm ci --omit=dev']);
  });

  it('runs node directly, as a numeric user that is not root', () => {
    expect(textsOf(final, 'USER')).toEqual([expect.stringMatching(/^[1-9]\d*:[1-9]\d*$/)]);
    expect(JSON.parse(textsOf(final, 'CMD')[0] as string)).toEqual(['node', 'dist/main.js']);
  });

  it('listens on all addresses, at the port that it exposes, unless a mounted config.yaml says otherwise', () => {
    const environment = { ...environmentOf(final), AUTH_DISABLED: 'true' };
    const serverWith = (yaml: string) =>
      loadConfig(environment, directoryWith({ 'config.yaml': yaml })).server;
    expect(serverWith('')).toMatchObject({ host: '0.0.0.0', port: 8080 });
    expect(textsOf(final, 'EXPOSE')).toEqual(['8080']);
    const mounted = 'server: { host: 127.0.0.2, port: 9000 }\nlog: { level: debug }\n';
    expect(serverWith(mounted)).toMatchObject({ host: '127.0.0.2', port: 9000 });
  });

  it('sets no variable that overrides a setting of config.yaml', () => {
    const overriding = settings.map(({ variable }) => variable);
    expect(Object.keys(environmentOf(final)).filter((name) => overriding.includes(name))).toEqual(
      [],
    );
  });

  it('checks the health with a program of the build', () => {
    const command = /CMD (\[.*\])$/.exec(textsOf(final, 'HEALTHCHECK')[0] as string)?.[1] ?? '[]';
    const [program, script] = JSON.parse(command) as string[];
    expect(program).toBe('node');
    const source = (script as string).replace(/^dist\/(.*)\.js$/, 'src/$1.ts');
    expect(existsSync(join(root, source))).toBe(true);
  });
});

interface ComposeService {
  readonly image?: string;
  readonly build?: string;
  readonly restart?: string;
  readonly depends_on?: Record<string, { condition: string }>;
  readonly environment?: Record<string, string | null>;
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

  it('refers only to services and volumes that it defines', () => {
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

  it('has a Redis with a password that evicts no stream', () => {
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

  it('holds no secret, and does not start without the secrets it needs', () => {
    const secrets = [...text.matchAll(/\$\{(\w*(?:PASSWORD|KEYS)\w*)(\W*)/g)];
    expect(secrets.every(([, , operator]) => operator === ':?')).toBe(true);
    expect(new Set(secrets.map(([, name]) => name))).toEqual(
      new Set(['REDIS_PASSWORD', 'AUTH_API_KEYS']),
    );
  });

  it('passes on every setting, except those that this file decides', () => {
    const passed = Object.entries(rejoin.environment ?? {});
    const decided = /^(DEFAULT_)?HOST$|^PORT$|_FILE$|^MEMORY_|^REDIS_(URL|MODE|SENTINEL|USE|TLS)/;
    const others = environmentVariables.filter((name) => !decided.test(name));
    const named = passed.map(([name]) => name);
    expect(named.filter((name) => !environmentVariables.includes(name))).toEqual([]);
    expect(others.filter((name) => !named.includes(name) && name !== 'REDIS_USERNAME')).toEqual([]);
    const fixed = passed.flatMap(([name, value]) => (value === null ? [] : [name]));
    expect(fixed).toEqual(['STREAM_MANAGER_TYPE', 'REDIS_ADDR', 'REDIS_PASSWORD', 'AUTH_API_KEYS']);
  });

  it('explains how to create a key with every scope', () => {
    const shown = /--scopes (\S+)/.exec(text)?.[1]?.split(',');
    expect(shown?.sort()).toEqual([...scopes].sort());
  });

  it('gives the service the time to drain', () => {
    expect(Number.parseInt(rejoin.stop_grace_period as string, 10)).toBeGreaterThan(
      longestStopSeconds,
    );
  });

  it('keeps what Redis acknowledged, and restarts services that exit', () => {
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

  it('is YAML, one object per document', () => {
    expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
    expect(objects.map(({ kind }) => kind)).toEqual([
      'Deployment',
      'Service',
      'PodDisruptionBudget',
      'HTTPRoute',
    ]);
  });

  it('routes every path of the service to it, except those for the cluster alone', async () => {
    const streams = await memoryBackend.create();
    const app = await buildTestApp(streams);
    onTestFinished(async () => {
      await app.close();
      await streams.close();
    });
    await app.ready();
    const [rule] = byKind('HTTPRoute').spec.rules;
    const prefixes: string[] = rule.matches.map(
      ({ path }: { path: { type: string; value: string } }) => {
        expect(path.type).toBe('PathPrefix');
        return path.value;
      },
    );
    const inside = /^(\*|\/$|\/(docs|healthz|inspector|metrics|openapi\.json|readyz))/;
    const roots = [...new Set(routePaths(app).map((path) => path.replace(/(?<=.)\/.*/, '')))];
    expect(roots.filter((path) => !inside.test(path)).sort()).toEqual([...prefixes].sort());
    expect(rule.backendRefs).toEqual([{ name: 'rejoin', port: 80 }]);
    expect(byKind('Service').spec.ports[0].port).toBe(80);
    expect(rule.timeouts).toEqual({ request: '0s', backendRequest: '0s' });
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

  it('probes the health routes, and runs without privileges', () => {
    expect(container.readinessProbe.httpGet.path).toBe('/readyz');
    expect(container.livenessProbe.httpGet.path).toBe('/healthz');
    expect(template.spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  it('selects the pods that it defines', () => {
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
