"""A server of grating in a test: started, asked, stopped, and watched for what it leaves."""
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


class Server:
    """`with Server(command, "--top", "3") as server: server.post("/rerank", {...})`"""

    def __init__(self, command, *arguments, environment=None, **options):
        self.log_file = tempfile.TemporaryFile(mode="w+")
        environment = dict(os.environ, HOME="/nonexistent", **(environment or {}))
        environment.pop("XDG_DATA_HOME", None)
        self.process = subprocess.Popen(
            [command, "serve", "--port", "0", *arguments], stderr=self.log_file,
            stdin=subprocess.DEVNULL, env=environment, **options)
        self.port = self.find_port()

    def find_port(self):
        until = time.monotonic() + 120
        while time.monotonic() < until:
            found = re.search(r"listening at https?://\S*:(\d+)", self.log())
            if found:
                return int(found[1])
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        raise RuntimeError("the server does not start: " + self.log())

    def log(self):
        return os.pread(self.log_file.fileno(), 1 << 24, 0).decode(errors="replace")

    def entries(self, event="request"):
        """Lines of the log that are about an event."""
        lines = [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == event]

    def connection(self, timeout=300):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def ask(self, method, path, body=None, headers=None, timeout=300):
        connection = self.connection(timeout)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def get(self, path, **options):
        return self.ask("GET", path, **options)

    def post(self, path, body, headers=None, **options):
        data = body if isinstance(body, (bytes, str)) else json.dumps(body)
        return self.ask("POST", path, data, {"Content-Type": "application/json", **(headers or {})},
                        **options)

    def raw(self, data, timeout=10, half_close=False):
        """What comes back when just these bytes are sent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout) as link:
            link.sendall(data)
            if half_close:
                link.shutdown(socket.SHUT_WR)
            received = b""
            try:
                while piece := link.recv(65536):
                    received += piece
            except (TimeoutError, ConnectionResetError):
                pass
            return received

    def metrics(self):
        """Name with labels -> value."""
        text = self.get("/metrics").body.decode()
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
                for line in text.splitlines() if not line.startswith("#")}

    def wait_for(self, condition, seconds=60):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if condition():
                return True
            time.sleep(0.02)
        return False

    def n_descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def n_threads(self):
        return len(os.listdir(f"/proc/{self.process.pid}/task"))

    def resident(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024

    def stop(self, number=signal.SIGTERM, timeout=300):
        """Its exit code; a number of 0 sends no signal."""
        if number and self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        log = self.log()
        if exception[0]:
            print(log[-4000:])
        self.log_file.close()
        if "Sanitizer" in log:
            raise AssertionError(log[max(0, log.index("Sanitizer") - 200):][:6000])


class Occupied:
    """`with Occupied(server):` keeps a server full that was started with Occupied.OPTIONS.

    Large requests compute and wait for as long as the block lasts, at the lowest priority of the
    system when the server was started with `preexec_fn=Occupied.be_nice`."""
    OPTIONS = ("--parallel", "1", "--queue", "1", "--threads", "1")

    def __init__(self, server):
        self.server, self.links, self.is_over = server, [], False
        texts = [f"{i} " + "owls hunt at night and hear mice under the snow " * 6
                 for i in range(1000)]
        self.body = json.dumps({"query": "owls", "documents": texts,
                                "grating": {"policy": "none"}})
        # One computes, one waits, one is ready to take the place of the first.
        self.threads = [threading.Thread(target=self.occupy, daemon=True) for _ in range(3)]

    @staticmethod
    def be_nice():
        os.nice(19)

    def occupy(self):
        link = self.server.connection(timeout=600)
        self.links.append(link)
        while not self.is_over:
            try:
                link.request("POST", "/v1/rerank", self.body)
                if link.getresponse().read() and not self.is_over:
                    time.sleep(0.005)
            except (OSError, http.client.HTTPException):
                link.close()
        link.close()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        is_full = self.server.wait_for(lambda: self.server.metrics().get(
            "grating_requests_waiting") == 1 and self.server.metrics().get(
                "grating_requests_running") == 1)
        assert is_full, self.server.log()
        return self

    def __exit__(self, *_):
        self.is_over = True
        for link in self.links:
            if link.sock:
                link.sock.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(30)


def stream_events(response):
    """(event, data) of an answer of server-sent events, as they come; comments have event ""."""
    event, data = "", ""
    for line in response:
        line = line.decode().rstrip("\n")
        if line.startswith(":"):
            yield "", line
        elif line.startswith("event: "):
            event = line[7:]
        elif line.startswith("data: "):
            data = line[6:]
        elif not line and event:
            yield event, json.loads(data)
            event, data = "", ""
