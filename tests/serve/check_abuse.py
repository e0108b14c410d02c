#!/usr/bin/env python3
"""Mixed abuse for a while: good requests are answered all the time, and nothing is left.

usage: check_abuse.py COMMAND [SECONDS]"""
import collections
import http.client
import json
import random
import socket
import sys
import threading
import time

from running import Server

SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 4
WORDS = "owl hunt night mouse snow bread yeast dough share price bank loss".split()


class Abuse:
    def __init__(self, server):
        self.server, self.until = server, time.monotonic() + SECONDS
        self.counts, self.problems = collections.Counter(), []

    def body(self, random_of, n=5, **more):
        texts = [" ".join(random_of.choices(WORDS, k=random_of.randint(0, 60))) for _ in range(n)]
        return json.dumps({"query": "how do owls hunt", "documents": texts, **more}).encode()

    def head(self, length, more=b""):
        return b"POST /rerank HTTP/1.1\r\nHost: localhost\r\n" + more + \
            b"Content-Length: %d\r\n\r\n" % length

    def link(self):
        return socket.create_connection(("127.0.0.1", self.server.port), 20)

    # ---- Kinds of clients ----

    def good(self, random_of):
        got = self.server.post("/v1/rerank", self.body(random_of, random_of.randint(1, 8)))
        self.counts[got.status] += 1
        if got.status == 200:
            scores = [row["relevance_score"] for row in got.json["results"]]
            if scores != sorted(scores, reverse=True):
                self.problems.append(f"not in order: {got.body}")
        elif got.status not in (429, 503) or "Retry-After" not in got.headers:
            self.problems.append(f"{got.status}: {got.body}")

    def leave(self, random_of):
        """At any byte, or before the answer, or within it."""
        body = self.body(random_of, random_of.choice((1, 50, 400)),
                         stream=random_of.random() < 0.5, grating={"policy": "none"})
        data = self.head(len(body)) + body
        with self.link() as link:
            link.sendall(data[:random_of.choice((random_of.randrange(len(data)), len(data)))])
            if random_of.random() < 0.3:
                link.shutdown(socket.SHUT_WR)
            time.sleep(random_of.random() * 0.3)
            if random_of.random() < 0.5:
                link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # RST

    def garbage(self, random_of):
        kind = random_of.randrange(4)
        if kind == 0:
            data = random_of.randbytes(random_of.randint(1, 3000))
        elif kind == 1:
            data = self.head(20) + random_of.randbytes(20)
        elif kind == 2:
            body = bytearray(self.body(random_of))
            for _ in range(3):
                body[random_of.randrange(len(body))] = random_of.randrange(256)
            data = self.head(len(body)) + bytes(body)
        else:
            data = self.head(2, b"X-Long: " + b"a" * 200000 + b"\r\n") + b"{}"
        with self.link() as link:
            link.settimeout(2)
            try:
                link.sendall(data)
                link.recv(65536)
            except OSError:
                pass

    def slow(self, random_of):
        with self.link() as link:
            try:
                for byte in self.head(999, b"Host: a\r\n"):
                    link.sendall(bytes([byte]))
                    time.sleep(0.01)
            except OSError:
                pass

    def large(self, random_of):
        link = self.server.connection()
        try:
            link.request("POST", "/rerank", b" " * random_of.choice((3 << 20, 40 << 20)))
            if link.getresponse().status not in (400, 413, 503):
                self.problems.append("a large body is taken")
        except OSError:
            pass
        finally:
            link.close()

    def run(self, kind, seed):
        random_of = random.Random(seed)
        while time.monotonic() < self.until:
            try:
                kind(random_of)
                self.counts[kind.__name__] += 1
            except (OSError, http.client.HTTPException) as problem:
                if kind == self.good:
                    self.problems.append(repr(problem))
            except Exception as problem:  # a thread's would go unseen
                self.problems.append(repr(problem))


def main():
    failed = False
    with Server(sys.argv[1], "--quiet", "--read-timeout", "1s", "--max-body", "4M") as server:
        server.post("/rerank", {"query": "owls", "documents": ["a"]})
        before = server.n_descriptors(), server.n_threads()
        abuse = Abuse(server)
        kinds = [abuse.good, abuse.good, abuse.leave, abuse.leave, abuse.garbage, abuse.slow, abuse.large]
        threads = [threading.Thread(target=abuse.run, args=(kind, i)) for i, kind in enumerate(kinds)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        server.wait_for(lambda: server.metrics()["grating_requests_running"] == 0)
        is_clean = server.wait_for(lambda: server.n_descriptors() <= before[0] and
                                   server.n_threads() <= before[1])
        print(dict(abuse.counts), "resident", server.resident() >> 20, "MiB")
        for problem in abuse.problems[:10]:
            print("problem:", problem)
        if not is_clean:
            print(f"left: {server.n_descriptors()} descriptors of {before[0]}, "
                  f"{server.n_threads()} threads of {before[1]}")
        failed = bool(abuse.problems) or not is_clean or not abuse.counts[200]
        code = server.stop()
        if code:
            print("exit code", code, server.log()[-3000:])
    return failed or code != 0


if __name__ == "__main__":
    sys.exit(main())
