import { timingSafeEqual } from 'node:crypto';
import { type ApiKey, sha256Of } from './api-key.js';

/** RFC 6750 with the two parts of a token. Shorter secrets than this can be guessed. */
const bearerPattern = /^Bearer +([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]{32,128})$/i;

interface RingKey {
  readonly key: ApiKey;
  readonly digest: Buffer;
}

/** What an unknown id is compared with, so that it takes as long as a wrong secret. */
const noDigest = Buffer.alloc(32);

/** The keys that are good at the moment; there are several while one takes over from another. */
export class KeyRing {
  readonly #keys: ReadonlyMap<string, RingKey>;

  constructor(keys: readonly ApiKey[]) {
    this.#keys = new Map(
      keys.map((key) => [key.id, { key, digest: Buffer.from(key.sha256, 'hex') }]),
    );
  }

  /** The key whose token this `Authorization` header brings, or null. */
  find(authorization: string): ApiKey | null {
    const match = bearerPattern.exec(authorization);
    if (match === null) return null;
    const [, id, secret] = match as unknown as [string, string, string];
    const known = this.#keys.get(id);
    const isRight = timingSafeEqual(sha256Of(secret), known?.digest ?? noDigest);
    return known !== undefined && isRight ? known.key : null;
  }
}
