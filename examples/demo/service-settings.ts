export type Backend = 'memory' | 'redis';

export function redisAddress(): string {
  return process.env.REDIS_ADDR || '127.0.0.1:6379';
}

/** Of the user's environment, only what says where Redis is; of the rest, the service's defaults. */
export function serviceSettings(backend: Backend, port: number): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    ...(backend === 'redis' ? redisSettings() : {}),
    STREAM_MANAGER_TYPE: backend,
    STREAM_TTL: '10m',
    HOST: '127.0.0.1',
    PORT: String(port),
    LOG_LEVEL: 'info',
    DRAIN_DELAY: '0',
  };
}

function redisSettings(): NodeJS.ProcessEnv {
  const given = Object.entries(process.env).filter(([name]) => name.startsWith('REDIS_'));
  return { ...Object.fromEntries(given), REDIS_ADDR: redisAddress() };
}
