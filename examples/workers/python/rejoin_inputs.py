"""A worker that readers can answer and steer: it takes in the inputs of its stream.

Copy this file along with rejoin_worker.py.

    with SteerableWorker('http://127.0.0.1:8080/sessions/s1/messages/m1', epoch=1) as worker:
        worker.append({'type': 'tool_approval_required', 'data': {'approval_id': 'a1'}})
        reply = worker.wait_for_reply('a1')
        ...
        while not worker.end({'type': 'complete'}):
            answer(worker.take_inputs())
"""

from rejoin_worker import InputsUnread, TryAgain, Worker


class SteerableWorker(Worker):
    """As `Worker`, and takes in inputs.

    The first event that is appended after inputs were taken acknowledges them in the same step: a
    worker that takes over is given the inputs whose event was not stored.
    """

    def __init__(self, url, **options):
        # All guarded by `_changed`: the inputs that were read and not taken, and how many inputs
        # there are, were read, were taken, and are acknowledged by the event with `_ack_seq`.
        self._inputs = []
        self._input_count = 0
        self._read_count = 0
        self._taken_count = 0
        self._ack_count = 0
        self._ack_seq = 0
        self._must_read_all = False
        super().__init__(url, **options)

    def take_inputs(self):
        """The inputs that have come and were not taken yet, in order; waits for none."""
        with self._changed:
            self._raise_failure()
            taken, self._inputs = self._inputs, []
            self._taken_count = self._read_count
            return taken

    def wait_for_reply(self, event_id):
        """The first input that replies to this event. All others are left to `take_inputs`."""
        with self._changed:
            self._changed.wait_for(lambda: self._failure or self._reply_to(event_id))
            self._raise_failure()
            reply = self._reply_to(event_id)
            self._inputs.remove(reply)
            if not self._inputs:
                self._taken_count = self._read_count
            return reply

    def append(self, event):
        """As that of `Worker`: an event that ends the stream does so over unread inputs too."""
        with self._changed:
            super().append(event)
            if self._taken_count > self._ack_count:
                self._ack_count, self._ack_seq = self._taken_count, self._outbox.end_seq - 1

    def end(self, event):
        """Ends the stream and returns True, or returns False as there are inputs to take first."""
        with self._changed:
            self._must_read_all = True
            self.append(event)
            self._changed.wait_for(lambda: self._failure or self._is_end_decided())
            self._raise_failure()
            return self._has_ended

    def _reply_to(self, event_id):
        replies = (one for one in self._inputs if one.get('data', {}).get('replyTo') == event_id)
        return next(replies, None)

    def _is_end_decided(self):
        return self._outbox.is_empty and (self._has_ended or self._inputs)

    def _begin(self):
        inputs = super()._begin().get('inputs', {})
        with self._changed:
            self._read_count = self._taken_count = self._ack_count = inputs.get('ackOffset', 0)

    def _send(self):
        super()._send()
        if self._read_count < self._input_count:
            self._read_inputs()

    def _append(self, batch):
        try:
            super()._append(batch)
        except InputsUnread as unread:
            self._withdraw_end(unread.next_offset)

    def _append_headers(self, seq, count):
        headers = super()._append_headers(seq, count)
        with self._changed:
            if seq + count <= self._ack_seq or (self._has_ended and not self._must_read_all):
                return headers
            return {**headers, 'Inputs-Ack-Offset': str(self._ack_count)}

    def _withdraw_end(self, input_count):
        """Nothing of the batch is stored: all but its last event are sent again."""
        with self._changed:
            self._input_count = input_count
            self._outbox.remove_last()
            self._has_ended = self._must_read_all = False
            self._changed.notify_all()

    def _read_inputs(self):
        try:
            page = super()._request('GET', f'/inputs?offset={self._read_count}')
        except TryAgain:
            return  # it is read after the next append or check
        with self._changed:
            self._inputs += page['inputs']
            self._read_count = page['nextOffset']
            self._changed.notify_all()

    def _request(self, method, path, body=None, headers=None):
        """Every response about the stream says how many inputs there are."""
        response = super()._request(method, path, body, headers)
        self._input_count = response.get('inputs', {}).get('nextOffset', self._input_count)
        return response
