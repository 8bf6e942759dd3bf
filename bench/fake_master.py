"""A master that only watches: notes when each message arrives, and says what it is told to say.

Runs on the Python of a Locust environment, for its zmq and msgpack. Writes one JSON line for each
event to standard output; reads {"type": …, "data": …} lines, which it sends to every worker, and
ends with its standard input. Times are of CLOCK_MONOTONIC, which all processes share.
"""

import json
import os
import sys
import time

import msgpack
import zmq


def tell(**event):
    sys.stdout.write(json.dumps(event, default=str) + "\n")
    sys.stdout.flush()


def summary(kind, data):
    """Statistics may be long; what the bench looks at is how much there was."""
    if kind == "stats":
        return {
            "user_count": data["user_count"],
            "num_requests": data["stats_total"]["num_requests"],
            "num_failures": data["stats_total"]["num_failures"],
        }
    return None if kind == "logs" else data


class FakeMaster:
    def __init__(self):
        self.workers = []
        self.router = zmq.Context.instance().socket(zmq.ROUTER)
        self.router.setsockopt(zmq.LINGER, 0)
        port = self.router.bind_to_random_port("tcp://127.0.0.1")
        tell(type="_listening", port=port)

    def send(self, identity, kind, data):
        self.router.send_multipart([identity, msgpack.dumps((kind, data, identity.decode()))])

    def receive(self):
        identity, payload = self.router.recv_multipart()
        at = time.monotonic()
        kind, data, _ = msgpack.loads(payload, strict_map_key=False)
        if kind == "client_ready":
            if identity not in self.workers:
                self.workers.append(identity)
            self.send(identity, "ack", {"index": self.workers.index(identity)})
        elif kind == "heartbeat":
            self.send(identity, "heartbeat", None)
        elif kind == "quit" and identity in self.workers:
            self.workers.remove(identity)
        tell(at=at, type=kind, node=identity.decode(), data=summary(kind, data))

    def run(self):
        poller = zmq.Poller()
        poller.register(self.router, zmq.POLLIN)
        poller.register(0, zmq.POLLIN)
        rest = b""
        while True:
            ready = dict(poller.poll())
            if self.router in ready:
                self.receive()
            if 0 in ready:
                got = os.read(0, 65536)
                if not got:
                    return
                *lines, rest = (rest + got).split(b"\n")
                for line in filter(None, lines):
                    order = json.loads(line)
                    for identity in list(self.workers):
                        self.send(identity, order["type"], order["data"])


if __name__ == "__main__":
    FakeMaster().run()
