import { DeliveryCheck } from '../../bench/load/delivery-check.js';
import {
  nowUs,
  numberOf,
  sentAtUsOf,
  stampMarker,
  streamOf,
  writerOf,
} from '../../bench/load/event-stamp.js';
import type { LatencyHistogram } from '../../bench/load/latency-histogram.js';
import { openConnection, type RawConnection } from '../../bench/load/raw-connection.js';
import { feedRequest } from './feed-request.js';

interface ReaderOptions {
  readonly port: number;
  readonly path: string;
  readonly stream: number;
  /** Takes the events that were sent while the feed was open. */
  readonly latency: LatencyHistogram;
}

const endOfHead = '\r\n\r\n';
const endOfFrame = '\n\n';
const nothing = Buffer.alloc(0);

/** A reader who drops a feed and comes back with the last id, as often as it is told to. */
export class ResumingReader {
  readonly check: DeliveryCheck;
  /** The first thing that was wrong. */
  fault: string | null = null;
  #connection: RawConnection | null = null;
  #lastId: string | null = null;
  /** What came of a frame, or of the head. */
  #rest: Buffer = nothing;
  #openedAtUs: number | null = null;
  #aim = 0;
  #resumedAtUs: number | null = null;

  constructor(readonly options: ReaderOptions) {
    this.check = new DeliveryCheck(options.stream, 1);
  }

  /** When it was open and had the events that it was to come to; null before. */
  get resumedAtUs(): number | null {
    return this.#resumedAtUs;
  }

  /** @param aim how many events it is to have then, to be where it would be without the drop */
  drop(aim: number): void {
    this.#aim = aim;
    this.#resumedAtUs = null;
    this.#openedAtUs = null;
    this.#rest = nothing;
    if (this.#connection === null) return;
    this.#connection.onBytes = () => {};
    this.#connection.onEnd = () => {};
    this.#connection.socket.resetAndDestroy();
    this.#connection = null;
  }

  /** Resolves when the request is sent. */
  async connect(): Promise<void> {
    const { port, path } = this.options;
    const connection = await openConnection(port);
    this.#connection = connection;
    connection.onEnd = (reason) => this.#fail(reason);
    connection.onBytes = (bytes) => this.#onBytes(bytes);
    connection.socket.write(feedRequest(path, this.#lastId));
  }

  close(): void {
    this.drop(0);
  }

  #onBytes(received: Buffer): void {
    const bytes = this.#rest.length === 0 ? received : Buffer.concat([this.#rest, received]);
    const begun = this.#openedAtUs === null ? this.#openWith(bytes) : 0;
    const end = begun === null ? 0 : this.#takeFrames(bytes, begun);
    this.#rest = Buffer.from(bytes.subarray(end));
    if (this.check.fault !== null) this.#fail(this.check.fault);
    const hasResumed = this.#openedAtUs !== null && this.check.events >= this.#aim;
    if (hasResumed) this.#resumedAtUs ??= nowUs();
  }

  /** Returns where the frames begin, or null when the head has not come yet. */
  #openWith(bytes: Buffer): number | null {
    const end = bytes.indexOf(endOfHead);
    if (end === -1) return null;
    const head = bytes.toString('latin1', 0, end);
    const isFeed = head.startsWith('HTTP/1.1 200') && !/^stream-refused/im.test(head);
    if (!isFeed) this.#fail(`a feed was ${head}`);
    this.#openedAtUs = nowUs();
    return end + endOfHead.length;
  }

  /** Returns where the first frame begins that is not whole. */
  #takeFrames(bytes: Buffer, begun: number): number {
    let from = begun;
    for (let end = bytes.indexOf(endOfFrame, from); end !== -1; ) {
      this.#takeFrame(bytes.subarray(from, end));
      from = end + endOfFrame.length;
      end = bytes.indexOf(endOfFrame, from);
    }
    return from;
  }

  #takeFrame(frame: Buffer): void {
    const stampAt = frame.indexOf(stampMarker);
    if (stampAt === -1) {
      if (frame.includes('event: reset')) this.#fail(`a reset: ${frame}`);
      return;
    }
    this.#lastId = /^id: (\S+)$/m.exec(frame.toString('latin1', stampAt))?.[1] ?? this.#lastId;
    this.check.note(streamOf(frame, stampAt), writerOf(frame, stampAt), numberOf(frame, stampAt));
    const sentAtUs = sentAtUsOf(frame, stampAt);
    if (sentAtUs >= (this.#openedAtUs ?? 0)) this.options.latency.add(nowUs() - sentAtUs);
  }

  #fail(reason: string): void {
    this.fault ??= `a reader of stream ${this.options.stream}: ${reason}`;
  }
}
