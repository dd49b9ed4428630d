/** The service cannot start with these settings. The message names every error. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly errors: readonly string[]) {
    const count = errors.length === 1 ? '1 error' : `${errors.length} errors`;
    super(`Invalid configuration (${count}):\n${errors.map((text) => `  ${text}`).join('\n')}`);
  }
}

/** A setting that may not have the intended effect. The service starts all the same. */
export interface SettingWarning {
  readonly setting: string;
  readonly detail: string;
}
