/** The worker has to end: no event that it appends from now on would be stored. */
export class WorkerEnded extends Error {
  override readonly name: string = 'WorkerEnded';
}

/** Somebody has ended the stream, most often a user who pressed stop. */
export class StreamEnded extends WorkerEnded {
  override readonly name = 'StreamEnded';

  constructor(readonly streamStatus: string) {
    super(`the stream has ended: ${streamStatus}`);
  }
}

/** A worker with a higher epoch has taken over. */
export class ProducerFenced extends WorkerEnded {
  override readonly name = 'ProducerFenced';
}

/** The service will never accept these events. */
export class AppendRejected extends WorkerEnded {
  override readonly name = 'AppendRejected';
}

/** The service could not be reached for as long as the worker was told to try. */
export class ServiceUnreachable extends WorkerEnded {
  override readonly name = 'ServiceUnreachable';
}

/** The service lacks events before the ones that it was sent. */
export class ProducerGap extends Error {
  override readonly name = 'ProducerGap';

  constructor(readonly expectedSeq: number) {
    super(`the service expects event ${expectedSeq}`);
  }
}

/** Inputs came that the worker has not taken in, so its last event did not end the stream. */
export class InputsUnread extends Error {
  override readonly name = 'InputsUnread';

  constructor(readonly inputCount: number) {
    super(`there are ${inputCount} inputs`);
  }
}

/** Nobody knows whether the events are stored. Their sequence numbers make a retry safe. */
export class TryAgain extends Error {
  override readonly name = 'TryAgain';
}
