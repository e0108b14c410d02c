#!/usr/bin/env python3
"""A server that runs: limits, keys, clients that leave or are slow, models, and its end.

usage: check_operation.py COMMAND MODELS_DIR"""
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from running import Server

MODELS = sys.argv.pop(2)
COMMAND = sys.argv.pop(1)
LONG = "owls hunt at night and hear mice under the snow " * 6


def heavy(n=600, **more):
    """A request that computes for seconds when nobody stops it."""
    return {"query": "how do owls hunt", "documents": [f"{i} {LONG}" for i in range(n)],
            "grating": {"policy": "none"}, **more}


def light(**more):
    return {"query": "owls", "documents": ["owls hunt", "bread"], **more}


def send(server, body, path="/v1/rerank"):
    """A connection on which a request has been sent, and no answer read."""
    connection = server.connection()
    connection.request("POST", path, json.dumps(body))
    return connection


def running(server, n=1):
    return server.wait_for(lambda: server.metrics()["grating_requests_running"] == n)


def waiting(server, n=1):
    return server.wait_for(lambda: server.metrics()["grating_requests_waiting"] == n)


class Operation(unittest.TestCase):
    def start(self, *arguments, **options):
        server = Server(COMMAND, *arguments, **options)
        self.addCleanup(server.__exit__, None, None, None)
        return server


class Doors(Operation):
    def test_keys(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("from-file\n\n")
            file.flush()
            server = self.start("--api-key", "one", "--api-key-file", file.name)
        for headers, status in (({}, 401), ({"Authorization": "Bearer "}, 401),
                                ({"Authorization": "Bearer two"}, 401),
                                ({"Authorization": "Bearer one"}, 200),
                                ({"x-api-key": "from-file"}, 200), ({"api-key": "one"}, 200)):
            self.assertEqual(server.post("/rerank", light(), headers).status, status, headers)
        self.assertEqual(server.get("/v1/models").status, 401)
        self.assertEqual(server.get("/health").status, 200)

    def test_hosts_and_origins(self):
        server = self.start("--allow-origin", "http://app.test:3000", "--allow-host", "rank.test")
        for headers, status in (({"Host": "evil.test"}, 403), ({"Host": "rank.test"}, 200),
                                ({"Origin": "http://evil.test"}, 403),
                                ({"Origin": "http://app.test:3000"}, 200)):
            self.assertEqual(server.post("/rerank", light(), headers).status, status, headers)
        asked = server.ask("OPTIONS", "/v1/rerank", headers={"Origin": "http://app.test:3000"})
        self.assertEqual(asked.status, 204)
        self.assertEqual(asked.headers["Access-Control-Allow-Origin"], "http://app.test:3000")

    def test_two_lengths(self):
        server = self.start()
        head = b"POST /rerank HTTP/1.1\r\nHost: localhost\r\n"
        smuggled = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for lengths in (b"Content-Length: 2\r\nContent-Length: 2\r\n",
                        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n"):
            got = server.raw(head + lengths + b"\r\n{}" + smuggled)
            self.assertTrue(got.startswith(b"HTTP/1.1 400"), got)
            self.assertEqual(got.count(b"HTTP/1.1"), 1, got)
            self.assertIn(b"Connection: close", got)

    def test_tls(self):
        if not shutil.which("openssl"):
            self.skipTest("no openssl")
        with tempfile.TemporaryDirectory() as folder:
            key, certificate = f"{folder}/key.pem", f"{folder}/certificate.pem"
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj",
                            "/CN=localhost", "-keyout", key, "-out", certificate],
                           check=True, capture_output=True)
            server = self.start("--tls-cert", certificate, "--tls-key", key)
            context = ssl.create_default_context(cafile=certificate)
            context.check_hostname = False
            link = http.client.HTTPSConnection("127.0.0.1", server.port, context=context)
            link.request("POST", "/rerank", json.dumps(light()))
            self.assertEqual(link.getresponse().status, 200)
            link.close()
            # A client that leaves is seen through TLS, too.
            link = http.client.HTTPSConnection("127.0.0.1", server.port, context=context)
            link.request("POST", "/rerank", json.dumps(heavy()))
            time.sleep(0.5)
            link.close()
            begun = time.monotonic()
            self.assertEqual(server.stop(), 0)
            self.assertLess(time.monotonic() - begun, 20)

    def test_socket_of_systemd(self):
        listening = socket.create_server(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        script = 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" serve 3<&"$1"'
        process = subprocess.Popen(["sh", "-c", script, COMMAND, str(listening.fileno())],
                                   pass_fds=[listening.fileno()], stderr=subprocess.PIPE)
        listening.close()
        try:
            link = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            link.request("POST", "/rerank", json.dumps(light()))
            self.assertEqual(link.getresponse().status, 200)
            link.close()
        finally:
            process.terminate()
            self.assertEqual(process.wait(30), 0)
            process.stderr.close()

    def test_bad_arguments(self):
        for arguments, code in ((["--port", "70000"], 2), (["--busy-status", "500"], 2),
                                (["-m", "a=grating-mini,k=x"], 2), (["-m", "a=grating-mini,x=1"], 2),
                                (["-m", "a=grating-mini", "-m", "a=grating-mini"], 2),
                                (["--tls-cert", "/dev/null"], 2), (["operand"], 2),
                                (["--api-key-file", "/dev/null"], 1), (["--host", "192.0.2.1"], 1),
                                (["-m", "/nonexistent/model"], 1)):
            done = subprocess.run([COMMAND, "serve", "--port", "0", *arguments], timeout=60,
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, code, (arguments, done.stderr))
            self.assertIn("grating: ", done.stderr)

    def test_port_that_is_taken(self):
        server = self.start()
        done = subprocess.run([COMMAND, "serve", "--port", str(server.port)], timeout=60,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("in use", done.stderr)


class Limits(Operation):
    def test_body(self):
        server = self.start("--max-body", "1M")
        big = json.dumps(light(documents=["x" * 3000000]))
        self.assertEqual(server.post("/v1/rerank", big).status, 413)
        tei = server.post("/rerank", json.dumps({"query": "q", "texts": ["x" * 2000000]}))
        self.assertEqual(tei.status, 413)
        # A hundred megabytes, told of before they are sent: refused without them.
        head = (b"POST /rerank HTTP/1.1\r\nHost: localhost\r\nContent-Length: 104857600\r\n")
        self.assertTrue(server.raw(head + b"\r\n").startswith(b"HTTP/1.1 413"))
        self.assertTrue(server.raw(head + b"Expect: 100-continue\r\n\r\n").startswith(b"HTTP/1.1 413"))
        # In chunks nobody knows how long it gets.
        link = server.connection()
        link.request("POST", "/rerank", iter([b"x" * 65536] * 40), encode_chunked=True,
                     headers={"Transfer-Encoding": "chunked"})
        self.assertEqual(link.getresponse().status, 413)
        link.close()
        self.assertLess(server.metrics()["grating_memory_allocated_bytes"], 100e6)
        self.assertEqual(server.post("/rerank", light()).status, 200)

    def test_documents(self):
        server = self.start("--max-documents", "300")
        self.assertEqual(server.post("/rerank", light(documents=["a"] * 301)).status, 413)
        got = server.post("/rerank", light(documents=["a"] * 300))
        self.assertEqual(len(got.json["results"]), 300)
        usual = self.start()
        texts = [f"owls {i}" for i in range(10000)]
        got = usual.post("/v1/rerank", light(documents=texts, grating={"deadline_ms": 500}))
        self.assertEqual(sorted(r["index"] for r in got.json["results"]), list(range(10000)))
        self.assertEqual(usual.post("/v1/rerank", light(documents=[*texts, ""])).status, 413)

    def test_hostile_json(self):
        server = self.start()
        for body in (b'{"query": "\xff\xfe", "documents": ["a"]}', b"[" * 100000, b'{"a":' * 50000,
                     b'{"query": "\\ud800", "documents": ["a"]}', b"\x00", b"{" + b" " * 100000,
                     b'{"query": "q", "documents": ["a"], "top_n": 1e999}',
                     b'{"query": "q", "documents": ["a"], "top_n": 99999999999999999999999}'):
            self.assertEqual(server.post("/rerank", body).status, 400, body[:40])
        nul = server.post("/rerank", b'{"query": "a\\u0000b", "documents": ["c\\u0000d"],'
                          b' "return_documents": true}')
        self.assertEqual(nul.json["results"][0]["document"]["text"], "c\0d")

    def test_connections(self):
        server = self.start("--max-connections", "2")
        before = server.n_descriptors()
        held = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(2)]
        self.assertTrue(server.wait_for(lambda: server.n_descriptors() == before + 2))
        third = server.connection()
        third.request("GET", "/health")
        time.sleep(0.3)
        self.assertEqual(server.n_descriptors(), before + 2)  # it waits outside
        for link in held:
            link.close()
        self.assertEqual(third.getresponse().status, 200)
        third.close()

    def test_queue(self):
        for status in (429, 503):
            server = self.start("--parallel", "1", "--queue", "1", "--busy-status", str(status))
            first = send(server, heavy())
            self.assertTrue(running(server))
            second = send(server, heavy())
            self.assertTrue(waiting(server))
            for stream in (False, True):
                full = server.post("/v1/rerank", light(stream=stream))
                self.assertEqual(full.status, status)
                self.assertGreaterEqual(int(full.headers["Retry-After"]), 1)
                self.assertIn("waiting", full.json["message"])
            first.close()
            second.close()
            self.assertTrue(running(server, 0))

    def test_priority(self):
        server = self.start("--parallel", "1")
        first = send(server, heavy())
        self.assertTrue(running(server))
        links = []
        for n, priority in enumerate((5, 0, 3)):
            links.append(send(server, light(documents=["owls"] * (priority + 1), priority=priority)))
            self.assertTrue(waiting(server, n + 1))
        first.close()
        for link in links:
            self.assertEqual(link.getresponse().status, 200)
            link.close()
        self.assertEqual([entry["documents"] for entry in server.entries()][1:], [1, 4, 6])

    def test_deadline_of_one_that_waits(self):
        server = self.start("--parallel", "1")
        first = send(server, heavy(2000))
        self.assertTrue(running(server))
        begun = time.monotonic()
        got = server.post("/v1/rerank", light(grating={"deadline_ms": 300})).json
        self.assertLess(time.monotonic() - begun, 20)
        self.assertTrue(got["meta"]["deadline_hit"])
        self.assertEqual([r["index"] for r in got["results"]], [0, 1])
        self.assertEqual(server.metrics()["grating_requests_running"], 1)
        first.close()


class Clients(Operation):
    def test_one_that_leaves(self):
        server = self.start("--parallel", "1")
        server.post("/rerank", light())
        before = server.n_descriptors(), server.n_threads()
        for body in (heavy(), heavy(stream=True)):
            link = send(server, body)
            self.assertTrue(running(server))
            waits = send(server, body)
            self.assertTrue(waiting(server))
            waits.close()
            self.assertTrue(waiting(server, 0), "one that waits is dropped while others compute")
            link.close()
            self.assertTrue(running(server, 0), "what computes is cancelled")
        self.assertTrue(server.wait_for(lambda: server.metrics()["grating_clients_gone_total"] == 4))
        self.assertEqual(server.post("/rerank", light()).status, 200)
        self.assertTrue(server.wait_for(
            lambda: (server.n_descriptors(), server.n_threads()) <= before))

    def test_at_each_stage(self):
        server = self.start("--read-timeout", "1s")
        data = (b"POST /rerank HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60\r\n\r\n"
                b'{"query": "owls", "documents": ["owls hunt", "bread"], "x": 1')
        self.assertTrue(server.raw(data + b"}", half_close=False)[:1] or True)
        before = server.n_descriptors()
        for length in range(0, len(data), 7):
            with socket.create_connection(("127.0.0.1", server.port)) as link:
                link.sendall(data[:length])
        self.assertEqual(server.post("/rerank", light()).status, 200)
        self.assertTrue(server.wait_for(lambda: server.n_descriptors() <= before), "descriptors")
        self.assertEqual(server.metrics()["grating_exchanges"], 1)  # this one

    def test_slow_writer(self):
        server = self.start("--read-timeout", "1s")
        for start in (b"POST /rerank HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
                      b"POST /rerank HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999\r\n\r\n"):
            begun = time.monotonic()
            with socket.create_connection(("127.0.0.1", server.port), 10) as link:
                link.sendall(start)
                with self.assertRaises(OSError):  # closed although a byte comes now and then
                    while time.monotonic() - begun < 30:
                        link.sendall(b" ")
                        time.sleep(0.05)
            self.assertLess(time.monotonic() - begun, 20)
        self.assertEqual(server.post("/rerank", light()).status, 200)

    def test_slow_reader(self):
        server = self.start()
        body = light(documents=["x" * 4000] * 2000, return_documents=True,
                     grating={"deadline_ms": 1})
        links = [send(server, body) for _ in range(4)]
        for _ in range(3):  # others are answered meanwhile
            self.assertEqual(server.post("/rerank", light()).status, 200)
        for link in links:  # and it gets what is its own in the end
            self.assertEqual(len(json.loads(link.getresponse().read())["results"]), 2000)
            link.close()

    def test_half_closed(self):
        body = json.dumps(heavy(60)).encode()
        data = (b"POST /rerank HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body)) + body
        server = self.start("--half-close")
        self.assertTrue(server.raw(data, 60, half_close=True).startswith(b"HTTP/1.1 200"))
        server = self.start()
        server.raw(data, 60, half_close=True)
        self.assertTrue(server.wait_for(lambda: server.metrics()["grating_clients_gone_total"] == 1))

    def test_several_requests_of_one_connection(self):
        server = self.start()
        # Seconds, for the watch that closes slow connections to come by.
        link = server.connection()
        until = time.monotonic() + 2
        while time.monotonic() < until:
            link.request("POST", "/rerank", json.dumps(light(documents=["owls"])))
            self.assertEqual(len(json.loads(link.getresponse().read())["results"]), 1)
        link.close()


class Models(Operation):
    def test_aliases(self):
        server = self.start("-m", "mini=grating-mini", "-m",
                            "fast=grating-mini,k=1,precision=0.5,promise=set", "-m",
                            f"other={MODELS}/grating-mini-qwen3", "--idle-unload", "300ms")
        documents = [f"{i} {LONG}" for i in range(6)]
        got = server.post("/v1/rerank", light(model="fast", documents=documents)).json
        self.assertEqual((got["model"], got["grating"]["k"]), ("fast", 1))
        self.assertEqual(got["grating"]["precision"], 0.5)
        self.assertEqual(got["grating"]["promise"], "set")
        self.assertEqual(len(got["results"]), 6)
        got = server.post("/v1/rerank", light(model="mini", documents=documents)).json
        self.assertEqual(got["grating"]["k"], 6)  # of 10 that the server wants
        got = server.post("/v1/rerank", light(model="fast", documents=documents,
                                              grating={"k": 2})).json
        self.assertEqual(got["grating"]["k"], 2)
        self.assertEqual(server.metrics()["grating_models_open"], 1)
        other = server.post("/v1/rerank", light(model="other")).json
        self.assertNotEqual(other["results"][0]["relevance_score"],
                            got["results"][0]["relevance_score"])
        self.assertTrue(server.wait_for(lambda: server.metrics()["grating_models_open"] == 0))
        self.assertEqual(server.post("/v1/rerank", light(model="other")).status, 200)

    @unittest.skipIf(os.environ.get("GRT_TEST_SANITIZED"), "a sanitizer's memory is not in a budget")
    def test_one_budget(self):
        # Either model fits, both do not: the one that is idle makes room.
        server = self.start("-m", "mini=grating-mini", "-m",
                            f"other={MODELS}/grating-mini-qwen3", "--memory", "26M")
        for name in ("mini", "other", "mini"):
            got = server.post("/v1/rerank", light(model=name))
            self.assertEqual(got.status, 200, got.body)
            self.assertEqual(server.metrics()["grating_models_open"], 1)
        self.assertLess(server.resident(), 26 << 20)
        never = server.post("/v1/rerank", light(documents=["owl " * 400] * 9000))
        self.assertEqual(never.status, 422)
        self.assertIn("do not fit --memory 26 MiB; the smallest", never.json["message"])

    @unittest.skipIf(os.environ.get("GRT_TEST_SANITIZED"), "a sanitizer's memory is not in a budget")
    def test_two_that_do_not_fit_together(self):
        server = self.start("--memory", "90M", "--hidden", "f32")
        server.post("/rerank", light())
        first = send(server, heavy())
        self.assertTrue(server.wait_for(
            lambda: server.metrics()["grating_memory_reserved_bytes"] > 45e6))
        late = server.post("/v1/rerank", heavy(grating={"deadline_ms": 200}))
        self.assertEqual(late.status, 200, late.body)
        self.assertTrue(late.json["meta"]["deadline_hit"])
        second = send(server, heavy(500))  # waits, and is not refused
        time.sleep(0.3)
        first.close()
        self.assertEqual(second.getresponse().status, 200)
        second.close()

    def test_one_that_is_replaced(self):
        with tempfile.TemporaryDirectory() as folder:
            model = shutil.copytree(f"{MODELS}/grating-mini", f"{folder}/model")
            server = self.start("-m", model, "--streamed")
            first = server.post("/v1/rerank", light()).json["results"]
            weights = pathlib.Path(model, "model.safetensors")
            for _ in range(3):  # the file is written anew, as a download does
                weights.write_bytes(weights.read_bytes())
                again = server.post("/v1/rerank", light())
                self.assertEqual(again.status, 200, again.body)
                self.assertEqual(again.json["results"], first)
            weights.write_bytes(b"damaged")
            self.assertEqual(server.post("/v1/rerank", light()).status, 424)

    def test_one_that_is_missing(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "config.json").write_text("{}")
            server = self.start("-m", "mini=grating-mini", "-m", f"lost={folder}")
            got = server.post("/v1/rerank", light(model="lost"))
        self.assertEqual(got.status, 424, got.body)
        self.assertIn("model.safetensors", got.json["message"])
        self.assertEqual(server.post("/v1/rerank", light(model="unknown")).json["model"], "unknown")


class SelfCheck(Operation):
    def test_what_is_decided_early_is_checked(self):
        # At precision 0.01 next to nothing is promised, and what the full pass shows is lost.
        server = self.start("--self-check", "0.999", "-k", "5", "--precision", "0.01",
                            "--promise", "set")
        for i in range(6):
            texts = [f"{'owls hunt' if j % 3 else 'bread rises'} {i * j} at night" for j in range(30)]
            self.assertEqual(server.post("/v1/rerank", light(documents=texts)).status, 200)
        name = 'grating_%s{model="grating-small"}'
        self.assertTrue(server.wait_for(
            lambda: server.metrics()[name % "selfchecks_total"] >= 5, 120), server.metrics())
        got = server.metrics()
        self.assertLessEqual(got[name % "selfcheck_overlap_low"], got[name % "selfcheck_overlap"])
        self.assertLess(got[name % "selfcheck_overlap"], 1)
        self.assertEqual(got[name % "selfcheck_loss_factor"], 1)

    def test_nothing_is_kept_unasked(self):
        server = self.start("-k", "1")
        server.post("/v1/rerank", light(documents=[f"{i} owls" for i in range(20)]))
        self.assertFalse([name for name in server.metrics() if "selfcheck" in name])


class End(Operation):
    def test_what_has_begun_is_finished(self):
        server = self.start("--parallel", "1", "--drain", "1000s")
        links = [send(server, heavy(60)) for _ in range(3)]
        self.assertTrue(waiting(server, 2))
        server.process.send_signal(signal.SIGTERM)
        self.assertTrue(server.wait_for(lambda: "ending" in server.log()))
        with self.assertRaises(OSError):
            server.post("/rerank", light())
        for link in links:
            response = link.getresponse()
            self.assertEqual(response.status, 200)
            self.assertEqual(response.headers["Connection"], "close")
            self.assertEqual(len(json.loads(response.read())["results"]), 60)
            link.close()
        self.assertEqual(server.stop(0), 0)

    def test_not_for_ever(self):
        server = self.start("--drain", "100ms")
        links = [send(server, heavy(3000)), send(server, heavy(3000, stream=True))]
        self.assertTrue(running(server, 2))
        server.process.send_signal(signal.SIGINT)
        response = links[0].getresponse()
        self.assertEqual(response.status, 503)
        self.assertIn(b"event: error", links[1].getresponse().read())
        self.assertEqual(server.stop(0), 0)
        for link in links:
            link.close()

    def test_a_second_signal(self):
        server = self.start("--drain", "1000s")
        link = send(server, heavy(9000))
        self.assertTrue(running(server))
        server.process.send_signal(signal.SIGTERM)
        self.assertTrue(server.wait_for(lambda: "ending" in server.log()))
        self.assertEqual(server.stop(signal.SIGTERM, 10), 128 + signal.SIGTERM)
        link.close()

    def test_kill(self):
        server = self.start()
        link = send(server, heavy())
        self.assertTrue(running(server))
        server.stop(signal.SIGKILL)
        with self.assertRaises(OSError):
            link.getresponse()
        link.close()
        again = Server(COMMAND, "--port", str(server.port))
        self.addCleanup(again.__exit__, None, None, None)
        self.assertEqual(again.port, server.port)
        self.assertEqual(again.post("/rerank", light()).status, 200)

    def test_kill_at_random_moments(self):
        """What was answered was answered whole; what was in flight fails; the port is free at once."""
        moments, port, wanted = random.Random(7), 0, None
        for _ in range(6):
            server = Server(COMMAND, "--port", str(port))
            self.addCleanup(server.__exit__, None, None, None)
            port, answers, faults = server.port, [], []

            def ask():
                try:
                    while True:
                        answers.append(server.post("/rerank", light()))
                except (OSError, http.client.HTTPException) as fault:
                    faults.append(fault)
            clients = [threading.Thread(target=ask) for _ in range(3)]
            for client in clients:
                client.start()
            time.sleep(moments.uniform(0.02, 0.3))
            server.stop(signal.SIGKILL)
            for client in clients:
                client.join(60)
            self.assertEqual(len(faults), 3)
            for answer in answers:
                self.assertEqual(answer.status, 200)
                results = json.loads(answer.body)["results"]
                wanted = wanted or results
                self.assertEqual(results, wanted)
        self.assertIsNotNone(wanted)

    def test_log(self):
        server = self.start()
        server.post("/rerank", light(query="a secret"))
        server.post("/rerank", "{")
        entries = server.entries()
        self.assertEqual([entry["status"] for entry in entries], [200, 400])
        self.assertEqual(entries[0]["documents"], 2)
        self.assertNotIn("secret", server.log())
        told = self.start("--log-texts")
        told.post("/rerank", light(query="a secret"))
        self.assertEqual(told.entries()[0]["query"], "a secret")
        self.assertEqual(self.start("--quiet").entries(), [])


if __name__ == "__main__":
    unittest.main()
