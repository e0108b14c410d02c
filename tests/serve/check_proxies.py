#!/usr/bin/env python3
"""The configurations of examples/proxy, before real servers: what is retried, and who leaves.

usage: check_proxies.py COMMAND SOURCE_DIR

A part is skipped where haproxy or nginx is not installed."""
import http.client
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from running import Occupied, Server, stream_events

SOURCE = pathlib.Path(sys.argv.pop(2))
COMMAND = sys.argv.pop(1)
PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"
QUERY = "how do owls hunt"
MAY_BE_FULL = (*Occupied.OPTIONS, "--busy-status", "503")
OWLS = "Owls hunt at night; they hear mice under the snow and fly without a sound."


def documents(n):
    """With what one asks for last, each of some 600 bytes."""
    other = "Bread rises because yeast makes gas from sugar in the dough. " * 10
    return [f"{i} {other}" for i in range(n - 1)] + [OWLS]


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Proxy:
    """A proxy that runs as its example says, but for the ports."""

    def __init__(self, name, ports):
        self.folder = tempfile.TemporaryDirectory()
        self.port = free_port()
        folder = pathlib.Path(self.folder.name)
        config = (SOURCE / "examples/proxy" / f"{name}").read_text()
        for old, new in zip((8080, 8081, 8082), (self.port, *ports)):
            assert f"127.0.0.1:{old}" in config
            config = config.replace(f"127.0.0.1:{old}", f"127.0.0.1:{new}")
        if name == "nginx.conf":
            own = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in
                          ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
            config = (f"daemon off;\nmaster_process off;\npid {folder}/pid;\n"
                      f"error_log {folder}/log;\nevents {{ }}\n"
                      f"http {{\naccess_log off;\n{own}{config}}}\n")
        (folder / "config").write_text(config)
        command = (["haproxy", "-db", "-f", "config"] if name == "haproxy.cfg"
                   else ["nginx", "-p", str(folder), "-e", f"{folder}/log", "-c", "config"])
        command[0] = shutil.which(command[0], path=PATH)
        self.log = open(folder / "output", "w+", encoding="utf-8")
        self.process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=subprocess.STDOUT)
        self.wait()

    def wait(self):
        until = time.monotonic() + 30
        while time.monotonic() < until and self.process.poll() is None:
            try:
                if self.ask("GET", "/health").status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        self.log.seek(0)
        raise RuntimeError(f"the proxy does not start: {self.log.read()}")

    def connection(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def ask(self, method, path, body=None):
        """The response, with its body in `text`."""
        link = self.connection()
        try:
            link.request(method, path, body, {"Content-Type": "application/json"})
            response = link.getresponse()
            response.text = response.read()
            return response
        finally:
            link.close()

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        self.log.close()
        self.folder.cleanup()


class Proxies:
    """What holds behind each of them."""
    name = None

    def start(self, *more):
        """A proxy and the servers behind it, each started with its own arguments, () by default."""
        servers = [Server(COMMAND, *(arguments or ("--threads", "1"))) for arguments in more]
        for server in servers:
            self.addCleanup(server.__exit__, None, None, None)
        proxy = Proxy(self.name, [server.port for server in servers])
        self.addCleanup(proxy.stop)
        return proxy, servers

    def check_ranked(self, proxy, n, times):
        for _ in range(times):
            body = json.dumps({"query": QUERY, "documents": documents(n)})
            response = proxy.ask("POST", "/v1/rerank", body)
            self.assertEqual(response.status, 200, response.text)
            self.assertEqual(json.loads(response.text)["results"][0]["index"], n - 1)

    def test_who_is_full_is_passed_by(self):
        proxy, (one, two) = self.start(MAY_BE_FULL, ())
        with Occupied(one):
            self.check_ranked(proxy, 40, 4)  # 24 KB
            refused = [e for e in one.entries() if e["documents"] == 40]
        self.assertEqual({e["status"] for e in refused}, {503}, "nobody asked the full server")
        self.assertEqual(len([e for e in two.entries() if e["status"] == 200]), 4)

    def test_who_has_died_is_passed_by(self):
        proxy, (one, _) = self.start((), ())
        self.check_ranked(proxy, 3, 1)
        one.process.kill()
        one.process.wait()
        self.check_ranked(proxy, 3, 4)

    def test_all_are_full(self):
        proxy, (one, two) = self.start(MAY_BE_FULL, MAY_BE_FULL)
        body = json.dumps({"query": QUERY, "documents": documents(3)})
        with Occupied(one), Occupied(two):
            response = proxy.ask("POST", "/v1/rerank", body)
        self.assertEqual(response.status, 503)
        self.assertTrue(json.loads(response.text)["error"]["message"])
        self.assertTrue(response.headers["Retry-After"])

    def test_who_leaves_ends_the_work(self):
        proxy, servers = self.start((), ())

        def entries():
            return [entry for server in servers for entry in server.entries()]

        def n_running():
            return sum(server.metrics()["grating_requests_running"] for server in servers)

        for n, is_streamed in enumerate((False, True), 1):
            link = proxy.connection()
            link.request("POST", "/v1/rerank", json.dumps(
                {"query": QUERY, "documents": documents(1000), "stream": is_streamed,
                 "grating": {"policy": "none"}}), {"Content-Type": "application/json"})
            self.assertTrue(servers[0].wait_for(n_running), "the request does not arrive")
            link.close()
            self.assertTrue(servers[0].wait_for(lambda n=n: len(entries()) == n), "the work goes on")
        self.assertEqual([entry["status"] for entry in entries()], [499, 499])

    def test_streams_are_not_held_back(self):
        proxy, _ = self.start((), ())
        link = proxy.connection()
        link.request("POST", "/v1/rerank", json.dumps(
            {"query": QUERY, "documents": documents(60), "stream": True,
             "grating": {"policy": "none"}}), {"Content-Type": "application/json"})
        times = {}
        for event, _ in stream_events(link.getresponse()):
            times.setdefault(event, time.monotonic())
        link.close()
        self.assertGreater(times["result"] - times["layer"], 0.01)


@unittest.skipUnless(shutil.which("haproxy", path=PATH), "haproxy is not installed")
class Haproxy(Proxies, unittest.TestCase):
    name = "haproxy.cfg"


@unittest.skipUnless(shutil.which("nginx", path=PATH), "nginx is not installed")
class Nginx(Proxies, unittest.TestCase):
    name = "nginx.conf"


if __name__ == "__main__":
    if not any(shutil.which(name, path=PATH) for name in ("haproxy", "nginx")):
        print("SKIP: neither haproxy nor nginx is installed")
        sys.exit(0)
    unittest.main(verbosity=2)
