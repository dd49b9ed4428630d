import { readFileSync } from 'node:fs';
import closeWithGrace from 'close-with-grace';
import { type Logger, pino } from 'pino';
import { buildApp } from './app.js';
import { type Config, loadConfig } from './config/config.js';
import { ConfigError } from './config/sources.js';
import { toLogFields } from './errors.js';
import { createStreamManager } from './store/create-stream-manager.js';

/** How long a shutdown may take after the drain delay. */
const shutdownLimitMs = 15_000;

/**
 * Length of the queue of connections to be accepted, capped by the kernel. The 511 of Node.js are too
 * few for a thundering herd of reconnecting clients: most would wait for seconds, or get a reset.
 */
const backlog = 65_535;

/** File descriptors other than client connections: those of Redis, files, and Node.js itself. */
const otherDescriptors = 100;

function readConfig(): Config {
  try {
    return loadConfig(process.env, process.cwd());
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    exitWith(error.message);
  }
}

function exitWith(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/** The limit of open files, which Node.js has raised to the hard limit. Windows has none. */
function openFilesLimit(): number {
  const { userLimits } = process.report.getReport() as {
    userLimits?: { open_files: { soft: number | 'unlimited' } };
  };
  const limit = userLimits?.open_files.soft;
  return typeof limit === 'number' ? limit : Infinity;
}

function warn({ warnings, server: { maxConnections } }: Config, logger: Logger): void {
  for (const warning of warnings)
    logger.warn(warning, 'A setting may not have the intended effect');
  const openFiles = openFilesLimit();
  // Connections beyond the limit fail in ways that no client understands.
  if (openFiles < maxConnections + otherDescriptors) {
    const message = 'The limit of open files (ulimit -Hn) is too low for server.max_connections';
    logger.warn({ openFiles, maxConnections }, message);
  }
}

/** The version in package.json, which is one folder above this file, built or not. */
function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** The reason why the service cannot listen, and the setting to change. */
function listenError(
  error: NodeJS.ErrnoException,
  { host, port }: Pick<Config['server'], 'host' | 'port'>,
): string {
  if (error.code === 'EADDRINUSE') return `Port ${port} is in use: set PORT to another one`;
  if (error.code === 'EACCES') return `Port ${port} is not permitted: set PORT to 1024 or above`;
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') {
    return `${host} is not an address of this machine: set HOST to another one`;
  }
  return `The service cannot listen on ${host}, port ${port}: ${error.message}`;
}

async function start(): Promise<void> {
  const config = readConfig();
  const logger = pino({ level: config.log.level, base: null });
  warn(config, logger);
  const { limits } = config;
  const streams = createStreamManager({
    ...config.streamManager,
    limits: {
      maxStreamEvents: limits.streamEvents,
      maxStreamBytes: limits.streamBytes,
      maxSessionStreams: limits.sessionStreams,
      maxStreamInputs: limits.streamInputs,
      maxStreamInputBytes: limits.streamInputBytes,
    },
    logger,
  });
  const app = await buildApp({ config, logger, streams, version: readVersion() });

  const { drainDelayMs } = config.server;
  const shutdown = {
    delay: drainDelayMs + shutdownLimitMs,
    logger,
    onSecondSignal: () => logger.warn('The service exits at once, after a second signal'),
    onTimeout: () => logger.error('The service exits at once, as its shutdown takes too long'),
  };

  closeWithGrace(shutdown, async ({ signal, err }) => {
    if (err) logger.fatal(toLogFields(err), 'The process fails');
    logger.info({ signal }, 'The service is stopping');
    // SIGINT comes from a terminal, where there is no load balancer to wait for.
    if (signal === 'SIGTERM') await app.drain(drainDelayMs);
    await app.close();
    await streams.close();
    logger.info('The service has stopped');
  });

  try {
    const url = await app.listen({ host: config.server.host, port: config.server.port, backlog });
    const inspector = config.inspector.isEnabled ? `${url}/inspector` : undefined;
    const { type: streamManager } = config.streamManager;
    const places = inspector === undefined ? url : `${url}, with its inspector at ${inspector}`;
    logger.info({ url, streamManager, inspector }, `The service is listening on ${places}`);
    if (streamManager === 'memory' && !config.server.isLoopback) {
      logger.warn('Streams are in the memory of this node: a second node would not have them');
    }
  } catch (error) {
    exitWith(listenError(error as NodeJS.ErrnoException, config.server));
  }
}

void start();
