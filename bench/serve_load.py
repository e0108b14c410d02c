#!/usr/bin/env python3
"""How the server holds up under load: what is answered, in what time, and what is lost.

usage: serve_load.py COMMAND [--seconds N] [--connections N] [--documents N] [--csv FILE]
                     [--only PART] [--also URL] [-- OPTION...]

Starts `COMMAND serve` with OPTIONs, or with the bundled model. Parts:
  load      N connections for N seconds, each asks again when it is answered
  clients   1, 4 and 16 of them, a quarter of the time each: requests and documents in a second;
            with --also those of another server too, by turns (bench/peers/llamacpp_server.mjs)
  beside    a request with 10 documents alone, and beside one with 1,000
Every answer is counted: a result, a refusal with Retry-After, or lost, which is anything else.
Exit code 1 when something was lost, or the small request took more than three times as long beside
the large one."""
import argparse
import csv
import http.client
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

WORDS = ("owl hunt night snow mouse wing silent field barn prey feather claw bread yeast dough "
         "sugar oven price share bank loss market river bridge stone engine wheel paper").split()


def passages(n, n_words=60, seed=1):
    make = random.Random(seed)
    return [" ".join(make.choice(WORDS) for _ in range(n_words)) for _ in range(n)]


def body(n, seed=1, **more):
    return json.dumps({"query": "how do owls hunt", "documents": passages(n, seed=seed), **more})


class Address:
    def __init__(self, url):
        place = urllib.parse.urlsplit(url)
        self.host, self.port = place.hostname, place.port or 80

    def connect(self):
        return http.client.HTTPConnection(self.host, self.port, timeout=300)


def ask(link, text):
    """What came back: "ok", "refused" or the reason why it is lost."""
    try:
        link.request("POST", "/v1/rerank", text, {"Content-Type": "application/json"})
        response = link.getresponse()
        answer = response.read()
    except (OSError, http.client.HTTPException) as error:
        link.close()
        return type(error).__name__
    if response.status == 200:
        return "ok" if json.loads(answer)["results"] else "empty"
    if response.status in (429, 503) and response.headers["Retry-After"]:
        time.sleep(0.2)  # less than it says: to keep the pressure up
        return "refused"
    return f"status {response.status}"


def run_clients(address, n_clients, seconds, n_documents):
    """(counts of outcomes, sorted times of results in seconds, seconds that it took)"""
    outcomes, times, lock = {}, [], threading.Lock()
    start = time.monotonic()

    def client(number):
        link = address.connect()
        text = body(n_documents, seed=number)
        while time.monotonic() - start < seconds:
            begun = time.monotonic()
            outcome = ask(link, text)
            took = time.monotonic() - begun
            with lock:
                outcomes[outcome] = outcomes.get(outcome, 0) + 1
                if outcome == "ok":
                    times.append(took)
        link.close()

    threads = [threading.Thread(target=client, args=(i,)) for i in range(n_clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes, sorted(times), time.monotonic() - start


def quantile(times, share):
    return times[min(len(times) - 1, int(share * len(times)))] if times else float("nan")


def row_of(part, n_clients, n_documents, outcomes, times, took):
    lost = sum(n for kind, n in outcomes.items() if kind not in ("ok", "refused"))
    return {"part": part, "connections": n_clients, "documents": n_documents,
            "seconds": round(took, 2), "results": outcomes.get("ok", 0),
            "refused": outcomes.get("refused", 0), "lost": lost,
            "requests_per_s": round(outcomes.get("ok", 0) / took, 2),
            "documents_per_s": round(outcomes.get("ok", 0) * n_documents / took, 1),
            "p50_ms": round(quantile(times, 0.50) * 1e3, 1),
            "p95_ms": round(quantile(times, 0.95) * 1e3, 1),
            "p99_ms": round(quantile(times, 0.99) * 1e3, 1)}


def measure_load(address, options):
    yield row_of("load", options.connections, options.documents, *run_clients(
        address, options.connections, options.seconds, options.documents))


def measure_clients(address, options):
    for n_clients in (1, 4, 16):
        for name, place in [("clients", address), *[("also", Address(u)) for u in options.also]]:
            yield row_of(name, n_clients, options.documents, *run_clients(
                place, n_clients, options.seconds / 4, options.documents))


def small_times(address, seconds):
    return run_clients(address, 1, seconds, 10)


def measure_beside(address, options):
    """A small request alone, then while one large request after the other is computed."""
    yield row_of("10 alone", 1, 10, *small_times(address, options.seconds / 6))
    is_over = threading.Event()
    large = {}

    def occupy():
        link, text = address.connect(), body(1000, grating={"policy": "none"})
        while not is_over.is_set():
            outcome = ask(link, text)
            large[outcome] = large.get(outcome, 0) + 1
        link.close()

    thread = threading.Thread(target=occupy)
    thread.start()
    time.sleep(0.5)
    small = small_times(address, options.seconds / 3)
    is_over.set()
    start = time.monotonic()
    thread.join()
    yield row_of("10 beside 1000", 1, 10, *small)
    yield row_of("1000", 1, 1000, large, [], options.seconds / 3 + time.monotonic() - start)


PARTS = {"load": measure_load, "clients": measure_clients, "beside": measure_beside}


def show(rows):
    names = list(rows[0])
    widths = [max(len(str(row[name])) for row in [dict(zip(names, names)), *rows])
              for name in names]
    for row in [dict(zip(names, names)), *rows]:
        print("  ".join(str(row[name]).rjust(width) for name, width in zip(names, widths)))


def start_server(command, arguments):
    """(process, url)"""
    log = tempfile.TemporaryFile("w+")
    process = subprocess.Popen([command, "serve", "--port", "0", "--quiet", *arguments],
                               stderr=log, stdin=subprocess.DEVNULL)
    while process.poll() is None:
        found = re.search(r"listening at (\S+)", os.pread(log.fileno(), 1 << 16, 0).decode())
        if found:
            return process, found[1]
        time.sleep(0.01)
    raise SystemExit("the server does not start: " + os.pread(log.fileno(), 1 << 16, 0).decode())


def machine_seconds():
    """CPU time of all processes since the start of the machine."""
    line = pathlib.Path("/proc/stat").read_text().split("\n")[0]
    values = [int(value) for value in line.split()[1:9]]
    return (sum(values) - values[3] - values[4]) / os.sysconf("SC_CLK_TCK")


def peak_bytes(process):
    text = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", text)[1]) * 1024


def cpu_seconds(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_kept(rows):
    """Nothing is lost, and the small request is not held up by the large one."""
    times = {row["part"]: row["p50_ms"] for row in rows}
    if any(row["lost"] for row in rows):
        print("LOST: " + ", ".join(row["part"] for row in rows if row["lost"]))
        return False
    if "10 beside 1000" in times:
        ratio = times["10 beside 1000"] / times["10 alone"]
        print(f"10 documents beside 1,000: {ratio:.2f} times the time alone (median)")
        return ratio <= 3
    return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--documents", type=int, default=20)
    parser.add_argument("--only", choices=list(PARTS), action="append")
    parser.add_argument("--also", metavar="URL", action="append", default=[])
    parser.add_argument("--csv", type=pathlib.Path)
    ours, theirs = sys.argv[1:], []
    if "--" in ours:
        ours, theirs = ours[:ours.index("--")], ours[ours.index("--") + 1:]
    options = parser.parse_args(ours)
    process, url = start_server(options.command, theirs)
    rows, before, start = [], machine_seconds(), time.monotonic()
    for name, part in PARTS.items():
        if not options.only or name in options.only:
            rows.extend(part(Address(url), options))
    show(rows)
    took = time.monotonic() - start
    print(f"server: {cpu_seconds(process):.1f} s of CPU, {peak_bytes(process) / 1e6:.0f} MB at "
          f"most; the machine: {machine_seconds() - before:.1f} s of {os.cpu_count()} x {took:.1f} s")
    process.terminate()
    process.wait()
    if options.csv:
        with options.csv.open("w", newline="") as out:
            table = csv.DictWriter(out, list(rows[0]))
            table.writeheader()
            table.writerows(rows)
    return 0 if is_kept(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
