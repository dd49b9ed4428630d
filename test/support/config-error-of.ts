import { loadConfig } from '../../src/config/config.js';
import { ConfigError } from '../../src/config/sources.js';
import { directoryWith, type Environment } from './test-processes.js';

/**
 * Why the service would not start with these settings: it prints the message, and ends with code 1.
 *
 * @param directory where it would be started
 */
export function configErrorOf(
  environment: Environment,
  directory = directoryWith({}),
): ConfigError {
  try {
    loadConfig(environment, directory);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('it would start');
}
