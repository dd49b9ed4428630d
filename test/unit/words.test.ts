import { readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

/** What is written for people: sources, documents and examples. */
const places = ['src', 'docs', 'examples', 'README.md', 'CONTRIBUTING.md'];

const kinds = new Set('.conf .css .html .js .jsx .lua .md .py .ts .yaml'.split(' '));

/** Words that are not the field's, an example of each, and what to say instead. */
const avoided: readonly [pattern: RegExp, example: string, instead: string][] = [
  [/\bwhoever\b/i, 'whoever waits', 'a client that, anybody who'],
  [/\bby (?:itself|themselves|yourself)\b/i, 'it reconnects by itself', 'automatically'],
  [/\bin the midst\b/i, 'in the midst of a packet', 'in the middle'],
  [/\bso many\b/i, 'so many feeds', 'that many, this many'],
  [/\bsigns? of life\b/i, 'a sign of life', 'heartbeat, lease renewal'],
  [/\bheeded\b/i, 'the header is heeded', 'honoured'],
  [
    /wake-?up|\bonWake\b|wakesForCertain|\bwoken\b/i,
    'RedisWakeUps',
    'notification, onChange, notifiesReliably',
  ],
  [/\bdeaf\b/i, 'a deaf subscription', 'stale'],
  [/forg[eo]t/i, 'streams are forgotten', 'delete, expire, invalidate'],
  [
    /(?<!Stream-|ECONN|\bconnections? (?:is |was |are )?)refus(?!ed: |\w+ connections)/i,
    'the append is refused',
    'reject',
  ],
  [
    /\bearly answers?\b|\banswer(?:s|ed|ing)? early\b/i,
    'it answers early',
    'early response, respond early',
  ],
  [/\b(?:is)?mint(?:s|ed|ing)?\b|isMinted/i, 'isMintedId', 'generated'],
  [/\bgone round\b/i, 'gone round by another spelling', 'bypassed by another encoding'],
  [/\blower rooms?\b/i, 'the lower rooms', 'lower layers'],
  [/\bmishaps?\b/i, 'an hour of random mishaps', 'random faults'],
  [/\bweather\b/i, 'weather', 'network conditions'],
  [/\bcrowd(?:s|ed)?\b/i, 'a crowd of readers', 'load profile, thundering herd'],
  [/\bstrikes?\b/i, 'where a fault strikes', 'injects, is injected'],
  [/\blook(?:s|ed|ing)?[ -]through\b/i, 'looked through', 'foreign-element scan, scanned'],
  [/\bunseen\b/i, 'unseen elements', 'not scanned; in CSS: visually-hidden'],
  [/\bwith commas\b/i, 'a list with commas', 'comma-separated'],
  [/\b(?:least|most)[A-Z]/, 'mostColumns', 'min…, max…'],
  [/\bfault\(s\)/i, '1 fault(s)', 'Invalid configuration (1 error)'],
  [
    /\ba whole number\b|\bwholeNumber\b|\bwhole numbers?\b/i,
    'must be a whole number',
    'an integer',
  ],
  [/\bpages? of (?:another|other) origins?\b/i, 'pages of other origins', 'CORS, across origins'],
  [
    /\btokens? of (?:a |the )?readers?\b|\breaders['’] tokens\b/i,
    'tokens of readers',
    'reader tokens',
  ],
  [
    /\bkeys of producers\b|producer[ _-]?keys?\b(?!.*auth[._]api_keys)/i,
    'AUTH_PRODUCER_KEYS',
    'API keys',
  ],
  [/\bknown (?:page|program)s?\b|refuseOtherSites/i, 'a known page', 'same origin, no browser'],
  [
    /\btakes? no more\b/i,
    'an ended stream takes no more events',
    'a finished stream rejects further events',
  ],
  [/\bthose there are\b/i, 'those there are go on', 'existing ones are not affected'],
  [/\b(?:can|cannot|could|could not) be had\b/i, 'the keys cannot be had', 'cannot be fetched'],
  [/\b(?:is|are) not taken\b(?! for)/i, 'a token is not taken', 'is not supported, is rejected'],
  [/\blost producers?\b|\bendLost\b/i, 'endLost', 'expired producer, expireLease'],
  [/\bfailureOf\b/, 'failureOf', 'takeError'],
  [/\bordinary appends?\b/i, 'an ordinary append', 'append fast path'],
  [/\bsen[dt][ -]?away\b/i, 'sendAway', 'drain, reject'],
  [/\bendInSteps\b|\bends? in steps\b/i, 'feeds end in steps', 'drain, end in batches'],
  [/dialects?\b/i, 'NativeDialect', 'format'],
  [/\bbells?\b/i, 'the bell', 'notifier'],
  [/patience/i, 'patienceMs', 'backoff, timeout'],
  [
    /\bDeliveryRounds\b|\bStreamReader\b|\bKnownLife\b|\bPollWheel\b/,
    'PollWheel',
    'DeliveryLoop, StreamFollower, StreamState, PollTimer',
  ],
];

/** What is said rightly with letters like those. */
const allowed = [
  'a 200 with the header `Stream-Refused`',
  "code === 'ECONNREFUSED'",
  'also when the connection is refused, and nginx refuses connections',
  'retry: 5000\\n: refused: too_many_feeds',
  'AUTH_PRODUCER_KEYS is the earlier name of AUTH_API_KEYS',
  'a request that was forged, or cross-site request forgery',
  'a notification is a hint',
  'wake a core',
  'at most two, at least one',
  'the most used of them',
  'a listening label',
  'a break is not taken for an outage',
  'the connection waits in turn',
  'an increment, peppermint',
];

const files = places.flatMap(filesIn).filter((path) => kinds.has(extname(path)));

function filesIn(place: string): string[] {
  const path = join(root, place);
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Each line with the word, as `file:line: text`. */
function linesWith(pattern: RegExp): string[] {
  return files.flatMap((path) =>
    readFileSync(path, 'utf8')
      .split('\n')
      .flatMap((line, index) =>
        pattern.test(line) ? `${relative(root, path)}:${index + 1}: ${line.trim()}` : [],
      ),
  );
}

describe('The list of words to avoid', () => {
  it.each(avoided)('finds %s in an example', (pattern, example) => {
    expect(example).toMatch(pattern);
  });

  it.each(allowed)('finds nothing in "%s"', (text) => {
    expect(avoided.filter(([pattern]) => pattern.test(text))).toEqual([]);
  });

  it('looks at every kind of text', () => {
    expect(files.length).toBeGreaterThan(200);
  });
});

describe('Sources, documents and examples use the terms of the field', () => {
  it.each(avoided)('without %s, such as "%s": say %s', (pattern) => {
    expect(linesWith(pattern)).toEqual([]);
  });
});
