import { readFileSync } from 'node:fs';
import closeWithGrace from 'close-with-grace';
import { pino } from 'pino';
import { buildApp } from './app.js';
import { lacksDescriptors } from './config/checks.js';
import { type Config, ConfigError, loadConfig } from './config/config.js';
import { toLogFields } from './errors.js';
import { createStreamManager } from './store/create-stream-manager.js';

/** A shutdown that has not ended by itself this long after the drain delay is ended. */
const shutdownLimitMs = 15_000;

/**
 * How many connections may wait to be accepted, as far as the kernel allows. Node.js has it queue
 * 511, and turns away most of a crowd that comes back at once: some for seconds, some with a reset.
 */
const backlog = 65_535;

function readConfig(): Config {
  try {
    return loadConfig(process.env, process.cwd());
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

/** As Node.js has raised it, up to the hard limit. Windows has none. */
function openFilesLimit(): number {
  const { userLimits } = process.report.getReport() as {
    userLimits?: { open_files: { soft: number | 'unlimited' } };
  };
  const limit = userLimits?.open_files.soft;
  return typeof limit === 'number' ? limit : Infinity;
}

function warn({ warnings, server: { maxConnections } }: Config): void {
  for (const warning of warnings) logger.warn(warning, 'A setting may not do what it is meant to');
  const openFiles = openFilesLimit();
  if (lacksDescriptors(openFiles, maxConnections)) {
    const fields = { openFiles, maxConnections };
    logger.warn(
      fields,
      'The limit of open files (ulimit -Hn) is too low for server.max_connections',
    );
  }
}

/** As it stands in package.json, one folder above this file, built or not. */
function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

const config = readConfig();
const logger = pino({ level: config.log.level, base: null });
warn(config);
const { streamEvents, streamBytes, sessionStreams } = config.limits;
const streams = createStreamManager({
  ...config.streamManager,
  limits: {
    maxStreamEvents: streamEvents,
    maxStreamBytes: streamBytes,
    maxSessionStreams: sessionStreams,
  },
  logger,
});
const app = await buildApp({ config, logger, streams, version: readVersion() });

const { drainDelayMs } = config.server;
const shutdown = {
  delay: drainDelayMs + shutdownLimitMs,
  logger,
  onSecondSignal: () => logger.warn('The service stops at once, as it is asked to again'),
  onTimeout: () => logger.error('The service stops at once, as stopping takes too long'),
};

closeWithGrace(shutdown, async ({ signal, err }) => {
  if (err) logger.fatal(toLogFields(err), 'The process fails');
  logger.info({ signal }, 'The service is stopping');
  // SIGINT comes from a terminal, where nobody waits for a load balancer to take note.
  if (signal === 'SIGTERM') await app.drain(drainDelayMs);
  await app.close();
  await streams.close();
  logger.info('The service has stopped');
});

try {
  const url = await app.listen({ host: config.server.host, port: config.server.port, backlog });
  const inspector = config.inspector.isEnabled ? `${url}/inspector` : undefined;
  const { type: streamManager } = config.streamManager;
  logger.info({ url, streamManager, inspector }, 'The service is listening');
  if (streamManager === 'memory' && !config.server.isLoopback) {
    logger.warn('Streams are in the memory of this node: a second node would not have them');
  }
} catch (error) {
  logger.fatal(toLogFields(error), 'The service cannot listen');
  process.exit(1);
}
