#!/usr/bin/env python3
"""Measures a server of its own: what is lost under load, who waits for whom, whether deadlines
are kept, how soon the first answer comes.

usage: measure.py COMMAND [--connections N] [--seconds S] [-- ARGUMENTS OF grating serve]

Texts are made of the words below, so that runs compare.  The figures are of the machine that they
are taken on, with what else it does."""
import argparse
import collections
import http.client
import json
import pathlib
import random
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tests" / "serve"))
from running import Server  # noqa: E402

WORDS = ("owl hunt night mouse snow wing silent bread yeast dough oven flour share price bank loss "
         "river bridge stone winter road signal engine paper letter garden apple seed rain").split()


def request_of(n, seed, **own):
    words = random.Random(seed)
    texts = [" ".join(words.choices(WORDS, k=words.randint(30, 60))) for _ in range(n)]
    return json.dumps({"query": "how do owls hunt at night", "documents": texts, "grating": own})


def ask(connection, body):
    """Status, and seconds."""
    begun = time.monotonic()
    connection.request("POST", "/v1/rerank", body)
    response = connection.getresponse()
    response.read()
    return response.status, time.monotonic() - begun


def percentiles(seconds):
    seconds = sorted(seconds)
    return [seconds[min(len(seconds) - 1, int(len(seconds) * p))] for p in (0.5, 0.95, 0.99)]


def told(seconds):
    return ", ".join(f"{name} {value * 1000:.0f} ms"
                     for name, value in zip(("p50", "p95", "p99"), percentiles(seconds)))


def measure_load(server, n_connections, seconds, n_documents):
    """Connections that ask again and again; an answer is 200, or 429 or 503 with Retry-After."""
    bodies = [request_of(n_documents, seed) for seed in range(8)]
    until = time.monotonic() + seconds
    results, lost = [], []

    def run(number):
        connection = server.connection(120)
        i = number
        while time.monotonic() < until:
            i += 1
            try:
                results.append(ask(connection, bodies[i % len(bodies)]))
                if results[-1][0] != 200:
                    time.sleep(0.1)
            except (OSError, http.client.HTTPException) as problem:
                lost.append(repr(problem))
                connection.close()
        connection.close()
    threads = [threading.Thread(target=run, args=[i]) for i in range(n_connections)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - begun
    statuses = dict(collections.Counter(status for status, _ in results))
    good = [t for status, t in results if status == 200]
    print(f"{n_connections} connections, {n_documents} documents, {took:.0f} s: {statuses}, "
          f"{len(lost)} lost, {len(good) / took:.1f} answers a second, {told(good)}")
    return not lost


def measure_fairness(server):
    """A request of 10 documents, alone and beside one of 1,000 that all run to the end."""
    small, large = request_of(10, 1), request_of(1000, 2, policy="none")
    connection = server.connection(120)
    alone = [ask(connection, small)[1] for _ in range(15)]
    ends = threading.Event()

    def keep_busy():
        other = server.connection(300)
        while not ends.is_set():
            ask(other, large)
        other.close()
    thread = threading.Thread(target=keep_busy)
    thread.start()
    time.sleep(0.3)
    beside = [ask(connection, small)[1] for _ in range(15)]
    ends.set()
    thread.join()
    connection.close()
    print(f"10 documents: alone {told(alone)}; beside 1,000 documents {told(beside)}; "
          f"{percentiles(beside)[0] / percentiles(alone)[0]:.2f} times as long (p50)")


def measure_deadlines(server, n_connections, deadline_ms):
    """Requests that would take longer than their deadline, all at once."""
    body = request_of(1000, 3, policy="none", deadline_ms=deadline_ms)
    late, threads = [], []

    def run():
        connection = server.connection(120)
        for _ in range(3):
            status, seconds = ask(connection, body)
            if status == 200:
                late.append(seconds - deadline_ms / 1000)
        connection.close()
    for _ in range(n_connections):
        threads.append(threading.Thread(target=run))
        threads[-1].start()
    for thread in threads:
        thread.join()
    print(f"deadline of {deadline_ms} ms, {n_connections} at once, {len(late)} answers: over it by "
          f"{told(late)}, at most {max(late) * 1000:.0f} ms")


def measure_start(command):
    """From the start of the process to the first answer."""
    times = []
    for _ in range(5):
        begun = time.monotonic()
        with Server(command) as server:
            connection = server.connection()
            ask(connection, request_of(2, 4))
            connection.close()
            times.append(time.monotonic() - begun)
    print(f"start to first answer: {min(times) * 1000:.0f} to {max(times) * 1000:.0f} ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("arguments", nargs="*")
    options = parser.parse_args()
    measure_start(options.command)
    with Server(options.command, "--quiet", *options.arguments) as server:
        measure_fairness(server)
        measure_deadlines(server, 1, 1000)
        measure_deadlines(server, 4, 1000)
        measure_deadlines(server, 16, 1000)
        before = server.n_descriptors(), server.n_threads()
        for n in (1, 4, 16):
            measure_load(server, n, options.seconds / 6, 10)
        is_whole = measure_load(server, options.connections, options.seconds, 20)
        server.wait_for(lambda: (server.n_descriptors(), server.n_threads()) <= before, 10)
        print(f"descriptors {before[0]} before, {server.n_descriptors()} after; threads {before[1]}, "
              f"{server.n_threads()}; resident {server.resident() >> 20} MiB")
    sys.exit(0 if is_whole else 1)


if __name__ == "__main__":
    main()
