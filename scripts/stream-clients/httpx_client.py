"""Follows a stream with httpx-sse, and prints a line of JSON for each event.

    python httpx_client.py BASE PATH TOKEN

Comes back with the last id, after the time that the stream told, until it is killed.
"""

import json
import sys
import time

import httpx
from httpx_sse import connect_sse

base, path, token = sys.argv[1:4]
last, wait = "", 3.0


def tell(**event):
    print(json.dumps(event), flush=True)


with httpx.Client(base_url=base, timeout=httpx.Timeout(10, read=30), trust_env=False) as client:
    while True:
        headers = {"Authorization": f"Bearer {token}"}
        if last:
            headers["Last-Event-ID"] = last
        try:
            with connect_sse(client, "GET", path, headers=headers) as stream:
                stream.response.raise_for_status()
                tell(name="opened")
                for event in stream.iter_sse():
                    if event.retry is not None:
                        wait = event.retry / 1000
                    last = event.id or last
                    if event.data:
                        tell(name=event.event, id=event.id, data=event.data)
        except httpx.TransportError as error:
            tell(name="lost", why=repr(error))
        except httpx.HTTPStatusError as error:
            tell(name="lost", why=str(error.response.status_code))
        time.sleep(wait)
