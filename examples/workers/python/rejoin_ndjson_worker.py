"""The fast path of a worker: one request stays open, and each event leaves as it comes.

Copy this file along with rejoin_worker.py. Proxies between the worker and the service must
pass request bodies on as they come (nginx: `proxy_request_buffering off`).
"""

import http.client
import io
import socket
import ssl
import time

from rejoin_worker import (
    FLUSH_SECONDS,
    REQUEST_SECONDS,
    ProducerGap,
    TryAgain,
    Worker,
    check_response,
)

# Proxies take a silent connection for a dead one, and the service does after five minutes.
SILENCE_SECONDS = 15
# After a failed send: the service leaves its response readable for a second.
LATE_RESPONSE_SECONDS = 1


class NdjsonWorker(Worker):
    """As `Worker`. Its events count as stored when a check of the status, once a second, says so."""

    def _work(self):
        while not self._is_done():
            self._retry(self._send_one_request)

    def _send_one_request(self):
        self._refresh()
        if self._is_done():
            return
        upload = Upload(self._connect(), f'{self._url.path}/events', self._headers)
        try:
            upload.open(self._outbox.next_seq)
            self._finish_request(upload, self._send_events(upload))
        except OSError as error:
            self._finish_broken(upload, error)
        finally:
            upload.close()

    def _send_events(self, upload):
        """Sends events as they come, and returns the response."""
        check_at = time.monotonic() + self._check_seconds
        while (response := upload.response(0)) is None:
            events, is_last = self._wait_for_events(upload.next_seq)
            if events:
                upload.send(events)
            elif is_last:
                return upload.finish()
            elif upload.silent_seconds > SILENCE_SECONDS:
                upload.send_blank_line()
            if time.monotonic() > check_at:
                self._check_stream(upload)
                check_at = time.monotonic() + self._check_seconds
        return response

    def _wait_for_events(self, seq):
        """Comes back soon without any, as a response may have come."""
        with self._changed:
            outbox = self._outbox
            self._changed.wait_for(lambda: self._is_closing or outbox.end_seq > seq, FLUSH_SECONDS)
            return outbox.batch_from(seq), self._is_closing

    def _check_stream(self, upload):
        before = self._outbox.next_seq
        try:
            self._refresh()
            self._backoff.reset()
        except TryAgain:
            pass  # a service that is away now may respond to the open request later
        now = time.monotonic()
        if before < self._outbox.next_seq or self._outbox.next_seq == upload.next_seq:
            upload.stored_at = now
        elif now - upload.stored_at > REQUEST_SECONDS:  # a connection can be dead and look open
            raise TryAgain(f'nothing that was sent was stored for {REQUEST_SECONDS} s')

    def _finish_request(self, upload, response):
        try:
            check_response(*response)
            self._acknowledge(upload.next_seq)
        except ProducerGap as gap:
            self._rewind(gap)

    def _finish_broken(self, upload, error):
        """The service may have responded before it closed the connection."""
        try:
            response = upload.response(LATE_RESPONSE_SECONDS)
        except OSError:
            response = None
        if response is None:
            raise TryAgain(repr(error)) from error
        self._finish_request(upload, response)


class Upload:
    """One request with a chunked body, whose response may come at any time."""

    def __init__(self, connection, path, headers):
        self._connection = connection
        self._path = path
        self._headers = {
            **headers,
            'Content-Type': 'application/x-ndjson',
            'Transfer-Encoding': 'chunked',
        }
        self._received = b''

    def open(self, seq):
        self.next_seq = seq
        self.stored_at = self._sent_at = time.monotonic()
        self._connection.putrequest('POST', self._path)
        for name, value in {**self._headers, 'Producer-Seq': str(seq)}.items():
            self._connection.putheader(name, value)
        self._connection.endheaders()

    @property
    def silent_seconds(self):
        return time.monotonic() - self._sent_at

    def send(self, events):
        self._send_chunk(b'\n'.join(events) + b'\n')
        self.next_seq += len(events)

    def send_blank_line(self):
        self._send_chunk(b'\n')

    def finish(self):
        self._connection.send(b'0\r\n\r\n')
        response = self.response(REQUEST_SECONDS)
        if response is None:
            raise TimeoutError('no response')
        return response

    def close(self):
        self._connection.close()

    def response(self, seconds):
        """The status and the body of the response; None when it has not come within this time."""
        until = time.monotonic() + seconds
        while self._receive(max(until - time.monotonic(), 0)):
            response = parse_response(self._received)
            if response is not None:
                return response
        return None

    def _receive(self, seconds):
        """Not by `getresponse`, which would wait for a response that may be hours away."""
        if self._connection.sock is None:
            return False
        self._connection.sock.settimeout(seconds)
        try:
            data = self._connection.sock.recv(64 * 1024)
        except (BlockingIOError, ssl.SSLWantReadError, socket.timeout):
            return False
        finally:
            self._connection.sock.settimeout(REQUEST_SECONDS)
        if not data:
            raise ConnectionError('the connection was closed without a response')
        self._received += data
        return True

    def _send_chunk(self, data):
        self._connection.send(b'%x\r\n%b\r\n' % (len(data), data))
        self._sent_at = time.monotonic()


class Received:
    """Makes `http.client` parse what has been received already."""

    def __init__(self, data):
        self._data = data

    def makefile(self, _mode):
        return io.BytesIO(self._data)


def parse_response(data):
    """None while the response is not complete."""
    if b'\r\n\r\n' not in data:
        return None
    response = http.client.HTTPResponse(Received(data))
    response.begin()
    try:
        return response.status, response.read()
    except http.client.IncompleteRead:
        return None
