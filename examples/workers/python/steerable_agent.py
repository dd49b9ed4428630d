"""A simulated agent that asks before it acts, and that can be steered while it answers.

    python3 steerable_agent.py http://127.0.0.1:8080/sessions/s1/messages/m1

It wants to send a mail, and waits for an input that says whether it may:

    {"type": "approval", "id": "i1", "data": {"replyTo": "ask-mail", "approved": true}}

Then it writes of cats, or of what the latest message says:

    {"type": "message", "id": "i2", "content": "dogs"}

The key of REJOIN_KEY and the exit codes are as those of example_agent.py.
"""

import argparse
import sys
import time

from example_agent import explain, read_key
from rejoin_inputs import SteerableWorker
from rejoin_worker import WorkerEnded


def main():
    options = read_options()
    try:
        with SteerableWorker(
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


def run_agent(worker, options):
    send_mail(worker)
    topic = 'cats'
    for number in range(1, options.steps + 1):
        topic = latest_topic(worker, topic)
        write(worker, f'{number}: {topic}. ')
        worker.wait(options.step_seconds)
    while not worker.end({'type': 'complete', 'done': True}):
        topic = latest_topic(worker, topic)  # of a message that came late
        write(worker, f'At last: {topic}. ')


def send_mail(worker):
    mail = {'tool_call_id': 'mail', 'tool_name': 'send_mail'}
    worker.append({'type': 'tool_call', 'data': {**mail, 'arguments': {'to': 'everyone'}}})
    # A worker that takes over asks under the same id, so that a reply that has come counts.
    question = {**mail, 'approval_id': 'ask-mail'}
    worker.append({'type': 'tool_approval_required', 'id': 'ask-mail', 'data': question})
    reply = worker.wait_for_reply('ask-mail')
    if reply['data'].get('approved') is True:
        worker.append({'type': 'tool_result', 'content': 'The mail is sent.', 'data': mail})
    else:
        denied = {**mail, 'success': False}
        worker.append({'type': 'tool_result', 'content': 'That was not allowed.', 'data': denied})


def latest_topic(worker, topic):
    for one in worker.take_inputs():
        if one['type'] == 'message':
            topic = one['content']
    return topic


def write(worker, text):
    worker.append({'id': 'answer', 'type': 'answer', 'content': text})


def read_options():
    parser = argparse.ArgumentParser(description='A simulated agent that asks and can be steered.')
    parser.add_argument('url', help='of the message: …/sessions/:sid/messages/:mid')
    # A clock makes a good epoch: a worker that starts later takes over.
    parser.add_argument('--epoch', type=int, default=time.time_ns() // 1_000_000)
    parser.add_argument('--lease', type=int, default=30, help='seconds')
    parser.add_argument('--give-up', type=float, default=60, help='seconds without success')
    parser.add_argument('--steps', type=int, default=10)
    parser.add_argument('--step-seconds', type=float, default=1)
    return parser.parse_args()


if __name__ == '__main__':
    sys.exit(main())
