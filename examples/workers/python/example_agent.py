"""A simulated agent: it thinks, calls a tool for a while, and answers.

    python3 example_agent.py http://127.0.0.1:8080/sessions/s1/messages/m1 --mode ndjson

Where the service has keys, REJOIN_KEY in the environment is the one of this worker.

Exit codes: 0 all is stored; 3 somebody ended the stream; 4 another worker has taken over; 5 the
events could not be stored.
"""

import argparse
import os
import sys
import time

from rejoin_ndjson_worker import NdjsonWorker
from rejoin_worker import ProducerFenced, StreamEnded, Worker, WorkerEnded

MODES = {'batches': Worker, 'ndjson': NdjsonWorker}


def main():
    options = read_options()
    create_worker = MODES[options.mode]
    try:
        with create_worker(
            options.url,
            epoch=options.epoch,
            lease_seconds=options.lease,
            give_up_seconds=options.give_up,
            headers=read_key(),
        ) as worker:
            run_agent(worker, options)
    except WorkerEnded as error:
        return explain(error)
    print('Done: all events are stored.')
    return 0


def explain(error):
    if isinstance(error, StreamEnded):
        print(f'Stopped: {error}.', file=sys.stderr)
        return 3
    if isinstance(error, ProducerFenced):
        print(f'Taken over: {error}.', file=sys.stderr)
        return 4
    print(f'Failed: {error}.', file=sys.stderr)
    return 5


def run_agent(worker, options):
    for word in ('What ', 'do ', 'cats ', 'do?'):
        worker.append({'id': 'thought', 'type': 'thinking', 'content': word})
    call_tool(worker, options.tool_seconds)
    for index in range(options.tokens):
        worker.append({'id': 'answer', 'type': 'answer', 'content': f'{index} '})
        worker.wait(options.token_ms / 1000)
    worker.append({'id': 'answer', 'type': 'answer', 'content': '', 'done': True})
    worker.append({'type': 'complete', 'done': True})


def call_tool(worker, seconds):
    worker.append({'id': 'search', 'type': 'tool_call', 'data': {'name': 'search'}})
    worker.wait(seconds)
    worker.append({'id': 'search', 'type': 'tool_result', 'content': 'They sleep.', 'done': True})


def read_options():
    parser = argparse.ArgumentParser(description='A simulated agent.')
    parser.add_argument('url', help='of the message: …/sessions/:sid/messages/:mid')
    parser.add_argument('--mode', choices=MODES, default='batches')
    # A clock makes a good epoch: a worker that starts later takes over.
    parser.add_argument('--epoch', type=int, default=time.time_ns() // 1_000_000)
    parser.add_argument('--lease', type=int, default=30, help='seconds')
    parser.add_argument('--give-up', type=float, default=60, help='seconds without success')
    parser.add_argument('--tool-seconds', type=float, default=3)
    parser.add_argument('--tokens', type=int, default=200)
    parser.add_argument('--token-ms', type=float, default=20)
    return parser.parse_args()


def read_key():
    key = os.environ.get('REJOIN_KEY')
    return {'Authorization': f'Bearer {key}'} if key else {}


if __name__ == '__main__':
    sys.exit(main())
