#!/usr/bin/env python3
"""Behind HAProxy and nginx: a client that leaves is seen through them, a busy server is passed
over, events come through as they are written.

usage: check_proxies.py COMMAND"""
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

from running import Server, stream_events

COMMAND = sys.argv.pop(1)
LONG = "owls hunt at night and hear mice under the snow " * 6

HAPROXY = """
global
    tune.bufsize 1048576
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout queue 20s
    retries 2
    option redispatch 1
    option abortonclose
    option http-buffer-request
    retry-on conn-failure empty-response 503
frontend front
    bind 127.0.0.1:{port}
    default_backend servers
backend servers
    balance roundrobin
    option httpchk GET /health
{servers}
"""
NGINX = """
daemon off;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream servers {{
{servers}
    }}
    server {{
        listen 127.0.0.1:{port};
        client_max_body_size 32m;
        location / {{
            proxy_pass http://servers;
            proxy_set_header Host localhost;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_read_timeout 300s;
            proxy_next_upstream error timeout http_503 http_429 non_idempotent;
        }}
    }}
}}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


class Proxy:
    """Asked as a Server is."""
    connection, ask, post = Server.connection, Server.ask, Server.post

    def __init__(self, name, servers):
        self.port = free_port()
        self.folder = tempfile.TemporaryDirectory()
        configuration = pathlib.Path(self.folder.name, "configuration")
        if name == "haproxy":
            lines = "\n".join(f"    server s{i} 127.0.0.1:{server.port} check"
                              for i, server in enumerate(servers))
            configuration.write_text(HAPROXY.format(port=self.port, servers=lines))
            arguments = ["haproxy", "-f", str(configuration), "-db"]
        else:
            lines = "\n".join(f"        server 127.0.0.1:{server.port} max_fails=0;" for server in servers)
            configuration.write_text(NGINX.format(port=self.port, servers=lines,
                                                  folder=self.folder.name,
                                                  user="user root;" if os.getuid() == 0 else ""))
            arguments = ["nginx", "-c", str(configuration), "-p", self.folder.name]
        self.process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                if self.post("/rerank", light()).status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        self.close()
        raise RuntimeError(f"{name} does not start")

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


def light(**more):
    return {"query": "owls", "documents": ["owls hunt", "bread"], **more}


def heavy(n=600, **more):
    return {"query": "how do owls hunt", "documents": [f"{i} {LONG}" for i in range(n)],
            "grating": {"policy": "none"}, **more}


class Proxies(unittest.TestCase):
    name = None

    def setUp(self):
        if not self.name or not shutil.which(self.name):
            print(f"SKIP {self.name}: not installed")
            self.skipTest(f"no {self.name}")
        self.servers = [Server(COMMAND, "--parallel", "1", "--queue", "1", "--busy-status", "503")
                        for _ in range(2)]
        for server in self.servers:
            self.addCleanup(server.__exit__, None, None, None)
        self.proxy = Proxy(self.name, self.servers)
        self.addCleanup(self.proxy.close)

    def n_running(self):
        return sum(server.metrics()["grating_requests_running"] for server in self.servers)

    def wait_for(self, condition):
        return self.servers[0].wait_for(condition, 20)

    def test_a_client_that_leaves(self):
        for body in (heavy(), heavy(stream=True)):
            link = self.proxy.connection()
            link.request("POST", "/v1/rerank", json.dumps(body))
            self.assertTrue(self.wait_for(lambda: self.n_running() == 1))
            link.close()
            self.assertTrue(self.wait_for(lambda: self.n_running() == 0), "work goes on")

    def test_a_busy_server_is_passed_over(self):
        busy = self.servers[0]
        links = []
        for condition in ("grating_requests_running", "grating_requests_waiting"):
            links.append(busy.connection())
            links[-1].request("POST", "/v1/rerank", json.dumps(heavy(3000)))
            self.assertTrue(busy.wait_for(lambda: busy.metrics()[condition] == 1))
        for _ in range(6):
            self.assertEqual(self.proxy.post("/v1/rerank", light()).status, 200)
        for link in links:
            link.close()

    def test_a_server_that_dies(self):
        self.servers[0].stop(9)
        for _ in range(6):
            self.assertEqual(self.proxy.post("/v1/rerank", light()).status, 200)

    def test_events_come_as_they_are_written(self):
        link = self.proxy.connection()
        link.request("POST", "/v1/rerank", json.dumps(heavy(200, stream=True)))
        times = [time.monotonic() for event, _ in stream_events(link.getresponse()) if event]
        link.close()
        self.assertGreater(len(times), 8)
        self.assertGreater(times[-1] - times[0], 0.05)


class HaProxy(Proxies):
    name = "haproxy"


class Nginx(Proxies):
    name = "nginx"


del Proxies

if __name__ == "__main__":
    unittest.main()
