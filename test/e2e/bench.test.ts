import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readArguments, UsageError } from '../../tools/bench/arguments.js';
import { DeliveryCheck } from '../../tools/bench/load/delivery-check.js';
import {
  eventText,
  stampMarker,
  writeMoment,
  writeOrigin,
} from '../../tools/bench/load/event-stamp.js';
import { Load } from '../../tools/bench/load/load.js';
import { drawLines } from '../../tools/bench/report/line-plot.js';
import type { Server } from '../../tools/bench/systems/system.js';
import { benchRuns, temporaryDirectory } from '../support/bench-runs.js';

const { runBench, root } = await benchRuns();

describe('npm run bench', () => {
  it('compares two builds, round by round, and reports when the rounds are too few', async () => {
    const file = join(temporaryDirectory(), 'comparison.json');
    // Long enough for the clock of the system to have counted some processor time.
    const args = [
      'single-post',
      '--seconds',
      '1',
      '--rounds',
      '1',
      '--against',
      root,
      '--json',
      file,
    ];
    const { code, output } = await runBench(args);
    expect(output).toMatch(/single-post +rejoin +appended\/s .* too few rounds/);
    expect(output).toMatch(/single-post +rejoin +CPU µs per append .* too few rounds/);
    expect(output).toContain('Nothing is shown to be over 5 % slower.');
    expect(code).toBe(0);
    const compared = JSON.parse(readFileSync(file, 'utf8'));
    expect(compared.map(({ ratios }: { ratios: number[] }) => ratios.length)).toEqual([1, 1]);
  }, 180_000);

  it.each([
    ['a directory without a build', ['--against', tmpdir()], 'there is no dist/main.js'],
    ['a comparison with others', ['--against', root, '--peers'], 'compares builds of Rejoin'],
    ['a scenario that does not exist', ['swim'], "there is no scenario 'swim'"],
    ['a system that does not exist', ['--system', 'abacus'], "there is no system 'abacus'"],
    ['no number of seconds', ['--seconds', 'few'], "not 'few'"],
  ])('rejects %s', (_title, args, fault) => {
    expect(() => readArguments(args)).toThrow(UsageError);
    expect(() => readArguments(args)).toThrow(fault);
  });

  it('prints its usage for arguments that it rejects', async () => {
    const { code, output } = await runBench(['swim']);
    expect(output).toContain("there is no scenario 'swim'");
    expect(output).toContain('Usage: npm run bench');
    expect(code).toBe(2);
  });

  it('has a page with the marks between which it writes', () => {
    const page = readFileSync(join(root, 'docs/performance.md'), 'utf8');
    for (const mark of ['machine', 'aims', 'figures']) {
      expect(page.split(`<!-- ${mark} -->\n`)).toHaveLength(2);
      expect(page.split(`<!-- end of ${mark} -->`)).toHaveLength(2);
    }
  });
});

describe('The delivery check of a benchmark subscriber', () => {
  const stream = 7;

  it('accepts each event of each writer, once and in order', () => {
    const check = checkOf([0, 0], [1, 0], [1, 1], [0, 1]);
    expect(check.fault).toBeNull();
    expect(check.missing([2, 2])).toBeNull();
  });

  it.each([
    [
      'an event that is missing',
      [
        [0, 0],
        [0, 2],
      ],
      /event 2 .* a gap: 1 was next/,
    ],
    [
      'an event that comes twice',
      [
        [0, 0],
        [0, 0],
      ],
      /event 0 .* a repeat: 1 was next/,
    ],
    [
      'events that changed places',
      [
        [0, 1],
        [0, 0],
      ],
      /event 1 .* a gap: 0 was next/,
    ],
    ['an event of an unknown writer', [[2, 0]], /foreign/],
    ['something that is no event', [[Number.NaN, Number.NaN]], /foreign/],
  ])('finds %s', (_title, events, fault) => {
    expect(checkOf(...(events as [number, number][])).fault).toMatch(fault);
  });

  it('finds an event of another stream', () => {
    const check = new DeliveryCheck(stream, 1);
    check.note(8, 0, 0);
    expect(check.fault).toMatch(/foreign/);
  });

  it('finds that the last event is missing', () => {
    expect(checkOf([0, 0]).missing([1, 1])).toBe('stream 7: 0 of 1 events of writer 1 came');
  });

  function checkOf(...events: readonly (readonly [number, number])[]): DeliveryCheck {
    const check = new DeliveryCheck(stream, 2);
    for (const [writer, number] of events) check.note(stream, writer, number);
    return check;
  }
});

describe('The load of a measurement', () => {
  it('passes with a server that delivers, in whatever pieces', async () => {
    await expect(appendFive((frame) => [...frame].map((byte) => Buffer.of(byte)))).resolves.toBe(5);
  });

  it('fails when the server loses an event', async () => {
    await expect(appendFive((frame, index) => (index === 2 ? [] : [frame]))).rejects.toThrow(
      'a gap',
    );
  });

  it('fails when the server loses the last event', async () => {
    const measurement = appendFive((frame, index) => (index === 4 ? [] : [frame]), 2000);
    await expect(measurement).rejects.toThrow('4 of 5 events of writer 0 came');
  });

  it('fails when the server repeats an event', async () => {
    const measurement = appendFive((frame, index) => (index === 2 ? [frame, frame] : [frame]));
    await expect(measurement).rejects.toThrow('a repeat');
  });

  it('fails when the server delivers an event of another stream', async () => {
    const foreign = Buffer.from(eventText());
    writeOrigin(foreign, foreign.indexOf(stampMarker), 9, 0);
    writeMoment(foreign, foreign.indexOf(stampMarker), 0, 0);
    await expect(appendFive((frame) => [foreign, frame])).rejects.toThrow('a foreign event');
  });

  it('fails when the server rejects an event', async () => {
    await expect(appendFive(null)).rejects.toThrow('HTTP/1.1 503');
  });
});

it('The line plot has a line for each series', () => {
  const points = [[100, 1] as const, [5000, 3.2] as const];
  const lines = ['one', 'two'].map((name) => ({ name, colour: '#000', points }));
  const plot = drawLines({ title: 'Cost', xTitle: 'subscribers', lines });
  expect(plot.match(/<path d="M56 [\d.]+L600 [\d.]+" fill="none"/g)).toHaveLength(2);
  expect(plot).toContain('>5,000</text>');
});

type Deliver = (frame: Buffer, index: number) => readonly Buffer[];

/**
 * @param deliver what one reader gets for each of five events; null: the server rejects them
 * @param stallMs how long nothing happens before the measurement has failed
 */
async function appendFive(deliver: Deliver | null, stallMs?: number): Promise<number> {
  const server = await fakeServer(deliver);
  const measure = async (load: Load) => {
    await load.follow([0], 1);
    const [poster] = await load.writeTo([0]);
    for (let count = 0; count < 5; count += 1) poster?.post();
    await load.drain();
    return load.delivered;
  };
  return Load.on(server, measure, stallMs);
}

async function fakeServer(deliver: Deliver | null): Promise<Server> {
  const readers: ServerResponse[] = [];
  let count = 0;
  const http = createServer(async (request, response) => {
    if (request.method === 'GET') {
      response.useChunkedEncodingByDefault = false;
      readers.push(response.writeHead(200));
      response.flushHeaders();
      return;
    }
    const frame = Buffer.from(`data: ${await text(request)}\n\n`);
    response.writeHead(deliver === null ? 503 : 201, { 'content-length': 0 }).end();
    const parts = deliver?.(frame, count) ?? [];
    count += 1;
    for (const part of parts) {
      for (const reader of readers) await new Promise((sent) => reader.write(part, sent));
    }
  }).listen(0, '127.0.0.1');
  await once(http, 'listening');
  onTestFinished(() => void http.close().closeAllConnections());
  const { port } = http.address() as AddressInfo;
  return {
    port,
    writerPort: port,
    pids: [process.pid],
    storePids: [],
    appendPath: (stream) => `/${stream}`,
    followPath: (stream) => `/${stream}`,
    create: async () => {},
    deleteStreams: async () => {},
    hasHealth: false,
    storeCommands: async () => Number.NaN,
    longestBlockMs: async () => Number.NaN,
    stop: async () => {},
  };
}
