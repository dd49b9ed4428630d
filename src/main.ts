import closeWithGrace from 'close-with-grace';
import { pino } from 'pino';
import { buildApp } from './app.js';
import { type Config, ConfigError, loadConfig } from './config.js';
import { toLogFields } from './errors.js';
import { createStreamManager } from './streams/create-stream-manager.js';

/** After this long, a shutdown that has not ended by itself is ended. */
const shutdownLimitMs = 20_000;

function readConfig(): Config {
  try {
    return loadConfig(process.env, process.cwd());
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

const config = readConfig();
const logger = pino({ level: config.log.level, base: null });
const { streamEvents, streamBytes } = config.limits;
const streams = createStreamManager({
  ...config.streamManager,
  limits: { maxStreamEvents: streamEvents, maxStreamBytes: streamBytes },
  logger,
});
const app = await buildApp({ config, logger, streams });

closeWithGrace({ delay: shutdownLimitMs, logger }, async ({ signal, err }) => {
  if (err) logger.fatal(toLogFields(err), 'The process fails');
  logger.info({ signal }, 'The service is stopping');
  await app.close();
  await streams.close();
  logger.info('The service has stopped');
});

try {
  const url = await app.listen({ host: config.server.host, port: config.server.port });
  logger.info({ url, streamManager: config.streamManager.type }, 'The service is listening');
} catch (error) {
  logger.fatal(toLogFields(error), 'The service cannot listen');
  process.exit(1);
}
