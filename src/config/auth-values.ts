/** Parsers of the settings of `auth`. Their messages never quote a value, which may be a misplaced secret. */
import { createPublicKey } from 'node:crypto';
import { z } from 'zod';
import { keyIdPattern, scopes, splitApiKey } from '../auth/api-keys.js';
import { publicKeyAlgorithms } from '../auth/token-verifier.js';
import { isLoopback } from './network-values.js';
import { listOf, optionalText } from './values.js';

const idRule = 'must be 1 to 64 letters, digits, _ or -';
const digestRule = 'must be the SHA-256 of the secret, 64 hex digits';
const scopesRule = `must be one or more of ${scopes.join(', ')}`;

const apiKey = z.preprocess(
  (value) => (typeof value === 'string' ? splitApiKey(value) : value),
  z.strictObject(
    {
      id: z.string(idRule).regex(keyIdPattern, idRule),
      sha256: z.string(digestRule).regex(/^[0-9a-fA-F]{64}$/, digestRule),
      scopes: z.array(z.enum(scopes, scopesRule), scopesRule).min(1, scopesRule).readonly(),
    },
    'must have an id, a sha256 and scopes',
  ),
);

export const apiKeys = listOf(apiKey).check(({ value, issues }) => {
  const ids = value.map(({ id }) => id);
  ids.forEach((id, index) => {
    if (ids.indexOf(id) === index) return;
    const message = 'is the id of another key too';
    issues.push({ code: 'custom', message, input: value, path: [index, 'id'] });
  });
});

const secretRule =
  'must be 32 to 512 printable ASCII characters without spaces and commas; generate one with: openssl rand -hex 32';

/** RFC 7518, section 3.2: a secret for HS256 must not be shorter than its digest. */
export const secrets = listOf(
  z.string(secretRule).regex(/^[\x21-\x2b\x2d-\x7e]{32,512}$/, secretRule),
);

/** A public key in PEM. In environments, its line breaks are often written as `\n`. */
export const publicKey = optionalText
  .transform((text) => text?.replaceAll('\\n', '\n'))
  .refine(
    (text) => text === undefined || isPublicKey(text),
    'must be a public key in PEM, and no private one: RSA of 2048 bits or more, P-256, P-384, P-521 or Ed25519',
  );

function isPublicKey(text: string): boolean {
  if (text.includes('PRIVATE KEY')) return false; // Node.js would derive the public key
  try {
    return publicKeyAlgorithms(createPublicKey(text)) !== null;
  } catch {
    return false;
  }
}

export const jwksUrl = optionalText.refine(
  (text) => text === undefined || isSafeUrl(text),
  'must be an https URL without a user, or an http one on loopback',
);

function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== '' || password !== '') return false;
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(host));
}

const cookieRule = 'must be the name of a cookie';

/** RFC 6265, section 4.1.1. */
export const cookieName = z
  .string(cookieRule)
  .regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/, cookieRule);

const claimRule =
  'must be the name of a claim: sid, app_metadata.session or https://app.example.com/sid';

/** The registered claims (RFC 7519, section 4.1) have a meaning of their own. */
export const claimName = z
  .string(claimRule)
  .regex(/^(?!(?:exp|nbf|iat|iss|aud|jti)$)[\x21-\x7e]{1,256}$/, claimRule);
