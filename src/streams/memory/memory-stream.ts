import type { AppendPlan, StreamLimits } from '../lifecycle.js';
import { type Ending, streamEnded, streamFull, titleGraceMs } from '../lifecycle.js';
import type { StoredEvent } from '../stream-event.js';
import type { StreamId } from '../stream-id.js';
import type { StreamInfo } from '../stream-manager.js';

/** One stream held by this process. Times are milliseconds since 1970. */
export class MemoryStream {
  readonly events: StoredEvent[] = [];
  /** What the stream counts against the limit of the store. */
  footprint = 0;
  expiresAt = 0;
  #bytes = 0;
  #updatedAt: number;
  #ended: { readonly how: Ending; readonly at: number } | null = null;

  constructor(
    readonly id: StreamId,
    readonly createdAt: number,
  ) {
    this.#updatedAt = createdAt;
  }

  /** @throws ServiceError `stream_ended` or `stream_full` when the batch may not be appended. */
  check(plan: AppendPlan, limits: StreamLimits, now: number): void {
    if (this.#ended !== null) {
      const late = plan.mayFollowEnd && now - this.#ended.at <= titleGraceMs;
      if (!late) throw streamEnded(this.#ended.how);
    }
    const full =
      this.events.length + plan.countedEvents > limits.maxStreamEvents ||
      this.#bytes + plan.countedBytes > limits.maxStreamBytes;
    if (full && plan.countedEvents > 0) throw streamFull(limits);
  }

  append(events: readonly StoredEvent[], plan: AppendPlan, now: number): void {
    for (const event of events) this.events.push(event);
    this.#bytes += plan.totalBytes;
    this.#updatedAt = now;
    if (plan.ending !== null) this.#ended = { how: plan.ending, at: now };
  }

  info(now: number): StreamInfo {
    return {
      nextOffset: this.events.length,
      lastEvent: this.events.at(-1) as StoredEvent,
      status: this.#ended?.how ?? 'open',
      endedForMs: this.#ended === null ? null : now - this.#ended.at,
      createdAt: this.createdAt,
      updatedAt: this.#updatedAt,
      expiresAt: this.expiresAt,
    };
  }
}
