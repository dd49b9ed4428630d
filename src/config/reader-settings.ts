import { createPublicKey } from 'node:crypto';
import { z } from 'zod';
import type { ReaderTokenOptions } from '../auth/reader-tokens.js';
import { defaultClaimNames, defaultTokenCookie } from '../auth/reader-tokens.js';
import { publicKeyAlgorithms } from '../auth/token-verifier.js';
import { isLoopback, listOf, optionalText } from './values.js';

const secretRule =
  'must be 32 to 512 printable ASCII characters without spaces and commas; make one with: openssl rand -hex 32';

/** RFC 7518, section 3.2: a shorter one than the digest of HS256 could be guessed. */
const secret = z.string(secretRule).regex(/^[\x21-\x2b\x2d-\x7e]{32,512}$/, secretRule);

const publicKeyRule =
  'must be a public key in PEM, and no private one: RSA of 2048 bits or more, P-256, P-384, P-521 or Ed25519';

/** In an environment, line breaks are often written as `\n`. */
const publicKey = optionalText
  .transform((text) => text?.replaceAll('\\n', '\n'))
  .refine((text) => text === undefined || isPublicKey(text), publicKeyRule);

const jwksUrlRule = 'must be an https URL without a user, or an http one on loopback';

const jwksUrl = optionalText.refine(
  (text) => text === undefined || isSafeAddress(text),
  jwksUrlRule,
);

const cookieRule = 'must be the name of a cookie';

/** RFC 6265, section 4.1.1. */
const cookieName = z.string(cookieRule).regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/, cookieRule);

const claimRule =
  'must be the name of a claim: sid, app_metadata.session or https://app.example.com/sid';

/** Claims that the token has of itself (RFC 7519, section 4.1) say something else. */
const claimName = z
  .string(claimRule)
  .regex(/^(?!(?:exp|nbf|iat|iss|aud|jti)$)[\x21-\x7e]{1,256}$/, claimRule);

/** The settings of readers' tokens as they stand below `auth`. The messages never name a value. */
export const readerSettings = {
  reader_secret: listOf(secret),
  reader_public_key: publicKey,
  reader_jwks_url: jwksUrl,
  reader_issuer: optionalText,
  reader_audience: optionalText,
  reader_cookie: cookieName.default(defaultTokenCookie),
  reader_claims: z.prefault(
    z
      .strictObject({
        sid: claimName.default(defaultClaimNames.sid),
        mid: claimName.default(defaultClaimNames.mid),
        scope: claimName.default(defaultClaimNames.scope),
      })
      .check(({ value, issues }) => {
        const names = Object.entries(value);
        names.forEach(([key, name], index) => {
          if (names.findIndex(([, other]) => other === name) === index) return;
          const message = 'is the name of another claim of these too';
          issues.push({ code: 'custom', message, input: name, path: [key] });
        });
      }),
    {},
  ),
} as const;

function isPublicKey(text: string): boolean {
  if (text.includes('PRIVATE KEY')) return false; // a public one would be made of it
  try {
    return publicKeyAlgorithms(createPublicKey(text)) !== null;
  } catch {
    return false;
  }
}

function isSafeAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(withoutBrackets(hostname)));
}

function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

/** Which of the settings are there, sound or not. */
const presenceSchema = z.object({
  auth: z
    .object({
      reader_secret: z.unknown(),
      reader_public_key: z.unknown(),
      reader_jwks_url: z.unknown(),
      reader_issuer: z.unknown(),
      reader_audience: z.unknown(),
    })
    .partial()
    .prefault({}),
});

/** Whether tokens are taken, or are meant to be. */
export function takesReaderTokens(document: unknown): boolean {
  const { data } = presenceSchema.safeParse(document);
  const { reader_secret, reader_public_key, reader_jwks_url } = data?.auth ?? {};
  return [reader_secret, reader_public_key, reader_jwks_url].some(isThere);
}

/** A setting below `auth`, and what is wrong with it. */
type ReaderFault = readonly [setting: string, message: string];

/** Settings that are sound by themselves and do not go together. */
export function readerFaults(document: unknown): ReaderFault[] {
  const auth = presenceSchema.safeParse(document).data?.auth ?? {};
  const faults: ReaderFault[] = [];
  if (isThere(auth.reader_public_key) && isThere(auth.reader_jwks_url)) {
    faults.push(['reader_public_key', 'is set together with reader_jwks_url: set one of them']);
  }
  if (takesReaderTokens(document)) return faults;
  for (const name of ['reader_issuer', 'reader_audience'] as const) {
    if (isThere(auth[name])) {
      const sources = 'reader_secret, reader_public_key or reader_jwks_url';
      faults.push([name, `has no effect unless one of ${sources} is set`]);
    }
  }
  return faults;
}

function isThere(value: unknown): boolean {
  return value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);
}

type ReaderSettings = z.infer<z.ZodObject<typeof readerSettings>>;

/** @returns null when no tokens are taken */
export function toReaderOptions(settings: ReaderSettings): ReaderTokenOptions | null {
  const { reader_secret, reader_public_key, reader_jwks_url } = settings;
  const options = {
    secrets: reader_secret,
    publicKey: reader_public_key ?? null,
    jwksUrl: reader_jwks_url ?? null,
    issuer: settings.reader_issuer ?? null,
    audience: settings.reader_audience ?? null,
    cookie: settings.reader_cookie,
    claims: settings.reader_claims,
  };
  const hasSource = options.secrets.length > 0 || options.publicKey !== null || options.jwksUrl;
  return hasSource ? options : null;
}
