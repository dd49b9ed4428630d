"""The worker's side of Rejoin: events leave in small batches, and each is stored once.

Copy this file. It needs Python 3.9 or later and nothing else.

    with Worker('http://127.0.0.1:8080/sessions/s1/messages/m1', epoch=1) as worker:
        worker.append({'type': 'answer', 'content': 'Hello'})
        worker.append({'type': 'complete'})
"""

import http.client
import json
import random
import threading
import time
from urllib.parse import quote, urlsplit

FLUSH_SECONDS = 0.05
BATCH_EVENTS = 200
BATCH_BYTES = 256 * 1024
# What the worker holds at most: events that wait, and stored ones in case the service loses them.
OUTBOX_BYTES = 8 * 1024 * 1024
EVENT_OVERHEAD_BYTES = 100
REQUEST_SECONDS = 10
# A silent worker checks this often whether its stream was stopped.
CHECK_SECONDS = 1
FIRST_PAUSE_SECONDS = 0.05
MAX_PAUSE_SECONDS = 2


class WorkerEnded(Exception):
    """The worker has to end; no event that it appends from now on would be stored."""


class StreamEnded(WorkerEnded):
    """Somebody has ended the stream, most often a user who pressed stop."""

    def __init__(self, status):
        super().__init__(f'the stream has ended: {status}')
        self.status = status


class ProducerFenced(WorkerEnded):
    """A worker with a higher epoch has taken over."""


class AppendRejected(WorkerEnded):
    """The service will never accept these events."""


class ServiceUnreachable(WorkerEnded):
    """The service could not be reached for as long as the worker was told to try."""


class ProducerGap(Exception):
    """The service lacks events before the ones that it was sent."""

    def __init__(self, expected_seq):
        super().__init__(f'the service expects event {expected_seq}')
        self.expected_seq = expected_seq


class InputsUnread(Exception):
    """Inputs came that the worker has not taken in, so its last event did not end the stream."""

    def __init__(self, next_offset):
        super().__init__(f'there are {next_offset} inputs')
        self.next_offset = next_offset


class TryAgain(Exception):
    """Nobody knows whether the events are stored. Their sequence numbers make a retry safe."""


def check_response(status, body):
    """Returns the body of a 2xx, or raises what another status means."""
    response = parse_object(body)
    code = response.get('code')
    if status < 300:
        return response
    if code == 'stream_ended':
        raise StreamEnded(response['streamStatus'])
    if code == 'producer_fenced':
        raise ProducerFenced(response['detail'])
    if code == 'producer_gap':
        raise ProducerGap(response['expectedSeq'])
    if code == 'inputs_unread':
        raise InputsUnread(response['inputs']['nextOffset'])
    if status in (408, 429) or status >= 500:
        raise TryAgain(f'{status} {code}')
    raise AppendRejected(f'{status} {code}: {response.get("detail")}')


def parse_object(body):
    try:
        value = json.loads(body)
    except ValueError:
        return {}  # of a proxy, say
    return value if isinstance(value, dict) else {}


def ends_stream(event):
    is_error = event.get('type') == 'error' and event.get('done') is True
    return is_error or event.get('type') in ('complete', 'stop')


class Outbox:
    """Events as JSON texts, by sequence number. Those before `next_seq` are stored."""

    def __init__(self):
        self.next_seq = 0
        self._first_seq = 0
        self._events = []
        self._bytes = 0

    @property
    def end_seq(self):
        return self._first_seq + len(self._events)

    @property
    def is_empty(self):
        return self.next_seq == self.end_seq

    def has_room(self):
        """Drops the oldest stored events when that makes room."""
        count = 0
        while self._bytes > OUTBOX_BYTES and self._first_seq + count < self.next_seq:
            self._bytes -= len(self._events[count]) + EVENT_OVERHEAD_BYTES
            count += 1
        del self._events[:count]
        self._first_seq += count
        return self._bytes <= OUTBOX_BYTES

    def add(self, event):
        self._events.append(event)
        self._bytes += len(event) + EVENT_OVERHEAD_BYTES

    def batch_from(self, seq):
        """The events of one batch, of which the first may be larger than a batch should be."""
        first = seq - self._first_seq
        batch, size = [], 0
        for event in self._events[first : first + BATCH_EVENTS]:
            size += len(event)
            if batch and size > BATCH_BYTES:
                break
            batch.append(event)
        return batch

    def remove_last(self):
        self._bytes -= len(self._events.pop()) + EVENT_OVERHEAD_BYTES

    def acknowledge(self, seq):
        self.next_seq = max(self.next_seq, min(seq, self.end_seq))

    def rewind(self, seq):
        if not self._first_seq <= seq <= self.end_seq:
            raise AppendRejected(f'the service has lost events: it expects {seq}, no longer kept')
        self.next_seq = seq


class Backoff:
    """Pauses between attempts, longer each time, until the time to give up has come."""

    def __init__(self, seconds):
        self._seconds = seconds
        self.reset()

    def reset(self):
        self._pause = 0
        self._since = None

    def wait(self, error):
        self._since = self._since or time.monotonic()
        if time.monotonic() - self._since > self._seconds:
            raise ServiceUnreachable(f'no success for {self._seconds} s: {error}') from error
        time.sleep(self._pause * random.uniform(0.5, 1))
        self._pause = min(max(self._pause * 2, FIRST_PAUSE_SECONDS), MAX_PAUSE_SECONDS)


class Worker:
    """Appends to one stream. `append`, `check`, `wait` and `close` raise `WorkerEnded`.

    A worker that takes over from another has the same `producer_id` and a higher `epoch`; no two
    workers of a stream may share both. When nothing is heard of a worker for `lease_seconds`, the
    service ends its stream.
    """

    def __init__(
        self, url, *, epoch, producer_id='agent', lease_seconds=30, give_up_seconds=60, headers=None
    ):
        self._url = urlsplit(url)
        self._epoch = epoch
        self._producer_id = producer_id
        self._check_seconds = min(CHECK_SECONDS, lease_seconds / 3)
        self._headers = {
            **(headers or {}),
            'Producer-Id': producer_id,
            'Producer-Epoch': str(epoch),
            'Producer-Lease': str(lease_seconds),
        }
        self._connection = self._connect()
        self._backoff = Backoff(give_up_seconds)
        self._outbox = Outbox()
        self._changed = threading.Condition()  # guards what follows and the outbox
        self._has_ended = False
        self._is_closing = False
        self._failure = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self._finish()  # after an error of the agent too: what it has appended belongs to the stream
        if kind is None:
            self.check()

    def append(self, event):
        """Takes one event, and waits only while too many wait to be stored."""
        text = json.dumps(event, ensure_ascii=False, allow_nan=False).encode()
        with self._changed:
            self._changed.wait_for(lambda: self._failure or self._outbox.has_room())
            self._raise_failure()
            self._outbox.add(text)
            self._has_ended = self._has_ended or ends_stream(event)
            self._changed.notify_all()

    def check(self):
        """An agent that appends nothing for long calls this now and then."""
        self.wait(0)

    def wait(self, seconds):
        """Sleeps, but not on when the worker has to end."""
        with self._changed:
            self._changed.wait_for(lambda: self._failure, seconds)
            self._raise_failure()

    def close(self):
        """Returns when all events are stored."""
        self._finish()
        self.check()

    def _finish(self):
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        self._thread.join()

    def _raise_failure(self):
        if self._failure is not None:
            raise self._failure

    def _run(self):
        try:
            self._retry(self._begin)
            self._work()
        except Exception as error:  # raised again where the agent can see it
            with self._changed:
                self._failure = error
                self._changed.notify_all()
        finally:
            self._connection.close()

    def _begin(self):
        status = self._refresh()
        if (status.get('producer') or {}).get('epoch') == self._epoch:
            raise AppendRejected(f'epoch {self._epoch} is in use; take a higher one')
        return status

    def _work(self):
        while not self._is_done():
            self._send()

    def _send(self):
        batch = self._wait_for_batch()
        if batch:
            self._retry(lambda: self._append(batch))
        else:
            self._renew_lease()

    def _is_done(self):
        with self._changed:
            return self._is_closing and self._outbox.is_empty

    def _wait_for_batch(self):
        with self._changed:
            changed, outbox = self._changed, self._outbox
            changed.wait_for(lambda: self._is_closing or not outbox.is_empty, self._check_seconds)
            if not outbox.is_empty:
                changed.wait_for(self._is_batch_full, FLUSH_SECONDS)
            return outbox.batch_from(outbox.next_seq)

    def _is_batch_full(self):
        return self._is_closing or self._outbox.end_seq - self._outbox.next_seq >= BATCH_EVENTS

    def _append(self, batch):
        seq = self._outbox.next_seq
        body = b'[' + b','.join(batch) + b']'
        try:
            self._request('POST', '/events', body, self._append_headers(seq, len(batch)))
            self._acknowledge(seq + len(batch))
        except ProducerGap as gap:
            self._rewind(gap)

    def _append_headers(self, seq, _count):
        return {'Content-Type': 'application/json', 'Producer-Seq': str(seq)}

    def _renew_lease(self):
        """Renews the lease, and checks whether the stream was stopped."""
        try:
            self._check_status(self._request('POST', '/lease'))
        except TryAgain:
            pass  # the next check, or an append, will tell

    def _refresh(self):
        """Gets the status of the stream, and acknowledges what is stored."""
        status = self._request('GET', f'?producer={quote(self._producer_id, safe="")}')
        producer = status.get('producer') or {'epoch': -1}
        if producer['epoch'] > self._epoch:
            raise ProducerFenced(f'a worker with epoch {producer["epoch"]} has taken over')
        if producer['epoch'] == self._epoch:
            self._acknowledge(producer['nextSeq'])
        self._check_status(status)
        return status

    def _check_status(self, status):
        if status.get('streamStatus', 'open') != 'open' and not self._has_ended:
            raise StreamEnded(status['streamStatus'])

    def _acknowledge(self, seq):
        with self._changed:
            if seq > self._outbox.next_seq:
                self._backoff.reset()
            self._outbox.acknowledge(seq)
            self._changed.notify_all()

    def _rewind(self, gap):
        with self._changed:
            self._outbox.rewind(gap.expected_seq)

    def _retry(self, attempt):
        while True:
            try:
                attempt()
                return self._backoff.reset()
            except TryAgain as error:
                self._backoff.wait(error)

    def _request(self, method, path, body=None, headers=None):
        """Sends one request; an unknown stream is an empty object."""
        try:
            every = {**self._headers, **(headers or {})}
            self._connection.request(method, self._url.path + path, body, every)
            response = self._connection.getresponse()
            status, text = response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise TryAgain(repr(error)) from error
        return {} if status == 404 and path != '/events' else check_response(status, text)

    def _connect(self):
        kinds = {'http': http.client.HTTPConnection, 'https': http.client.HTTPSConnection}
        return kinds[self._url.scheme](self._url.netloc, timeout=REQUEST_SECONDS)
