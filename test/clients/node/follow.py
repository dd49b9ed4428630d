"""Follows a feed to its end with urllib, and prints the id and the data of each event on a line.

usage: follow.py URL [SECONDS]   (of silence, after which a connection is given up)
"""

import http.client
import sys
import time
import urllib.error
import urllib.request


def follow(url, timeout=None):
    last_id = None
    while True:
        request = urllib.request.Request(url)
        if last_id is not None:
            request.add_header("Last-Event-ID", last_id)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as response:
                if response.status == 204:
                    return
                for last_id, data in events(response, last_id):
                    if data is not None:
                        print(last_id, data, flush=True)
        except urllib.error.HTTPError as error:
            if error.code in (401, 403):
                return
        except (OSError, http.client.HTTPException):
            pass  # the connection broke
        time.sleep(2)


def events(response, event_id):
    data = None
    for line in response:
        if not line.endswith(b"\n"):
            return  # the end of the response tore it
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name == "data":
            data = value
        elif name == "id":
            event_id = value
        elif name == "":
            yield event_id, data
            data = None


if __name__ == "__main__":
    follow(sys.argv[1], *map(float, sys.argv[2:]))
