import { describe, expect, it } from 'vitest';
import { readInfo, warningsOf } from '../../src/store/redis/connection/connection-log.js';

const sound = { version: '7.0.15', valkeyVersion: undefined, maxmemoryPolicy: 'noeviction' };

describe('The INFO of Redis', () => {
  it('has its version and its eviction policy', () => {
    const info = '# Server\r\nredis_version:7.0.15\r\n# Memory\r\nmaxmemory_policy:noeviction\r\n';
    expect(readInfo(info)).toEqual(sound);
    const valkey = 'redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.0.1\r\n';
    expect(readInfo(valkey)).toMatchObject({ version: '7.2.4', valkeyVersion: '8.0.1' });
    expect(readInfo('')).toMatchObject({ version: undefined, maxmemoryPolicy: undefined });
  });

  it.each(['6.2.0', '6.10.1', '7.0.15', '8.2.0', '255.255.255'])(
    'causes no warning with version %s',
    (version) => {
      expect(warningsOf({ ...sound, version })).toEqual([]);
    },
  );

  it.each(['6.0.16', '5.0.14', '2.8.24'])('causes a warning with version %s', (version) => {
    expect(warningsOf({ ...sound, version })).toEqual([
      expect.stringMatching(/version of Redis is not supported/),
    ]);
  });

  it.each(['volatile-lru', 'allkeys-lru', 'volatile-ttl'])(
    'causes a warning when it evicts by %s',
    (maxmemoryPolicy) => {
      expect(warningsOf({ ...sound, maxmemoryPolicy })).toEqual([
        expect.stringMatching(/may evict streams/),
      ]);
    },
  );
});
