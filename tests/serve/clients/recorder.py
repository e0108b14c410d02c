"""Stands between clients and a server, hands everything on, and keeps what was asked."""
import http.client
import http.server
import json
import threading

# Of this connection, or of this run.
LEFT_OUT = {"host", "content-length", "connection", "transfer-encoding"}
HANDED_ON = {"content-type", "retry-after", "x-request-id", "www-authenticate"}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self):
        recorder = self.server.recorder
        body = self.body()
        headers = [(name, value) for name, value in self.headers.items()
                   if name.lower() not in LEFT_OUT]
        link = http.client.HTTPConnection("127.0.0.1", recorder.behind, timeout=60)
        link.request(self.command, self.path, body, dict(headers))
        response = link.getresponse()
        answer = response.read()
        link.close()
        recorder.keep(self.command, self.path, headers, body, response.status)
        self.send_response(response.status)
        for name, value in response.headers.items():
            if name.lower() in HANDED_ON:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            whole = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                whole += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return whole
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    do_GET = do_POST = do_OPTIONS = answer


class Recorder:
    def __init__(self, behind):
        self.behind, self.client, self.entries = behind, "", []
        self.lock = threading.Lock()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.recorder = self
        self.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def keep(self, method, path, headers, body, status):
        entry = {"client": self.client, "method": method, "path": path, "headers": headers,
                 "body": body.decode(), "status": status}
        with self.lock:
            if not any(all(old[key] == entry[key] for key in ("client", "path", "body"))
                       for old in self.entries):
                self.entries.append(entry)

    def write(self, path):
        lines = [json.dumps(entry, ensure_ascii=False) for entry in self.entries]
        path.write_text("\n".join(lines) + "\n")
