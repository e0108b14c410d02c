#!/usr/bin/env python3
"""The OpenAPI document is whole, tells of every path, and requests that it allows are answered as
it says.

usage: check_openapi.py COMMAND SOURCE_DIR"""
import json
import pathlib
import re
import sys
import unittest

from running import Server
from schema import Schemas, maker

SOURCE = pathlib.Path(sys.argv.pop(2))
COMMAND = sys.argv.pop(1)
N_REQUESTS = 8  # for each path


class OpenApi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(COMMAND)
        cls.addClassCleanup(cls.server.__exit__, None, None, None)
        cls.document = cls.server.get("/openapi.json").json
        cls.schemas = Schemas(cls.document)

    def test_every_reference_leads_somewhere(self):
        for name in re.findall(r'"\$ref": "([^"]*)"', json.dumps(self.document)):
            self.schemas.place({"$ref": name})
        used = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(self.document)))
        self.assertEqual(used, set(self.document["components"]["schemas"]))

    def test_every_path_is_told(self):
        source = (SOURCE / "serve" / "route.c").read_text() + (SOURCE / "serve" / "pages.c").read_text()
        source = re.sub(r"/\*.*?\*/", "", source, flags=re.S)
        paths = set(re.findall(r'"(/[\w./-]+)"', source)) - {"/index.html"}
        self.assertEqual(paths | {"/openapi.json"}, set(self.document["paths"]))
        operations = [operation["operationId"] for methods in self.document["paths"].values()
                      for operation in methods.values()]
        self.assertEqual(len(operations), len(set(operations)))

    def test_pages_are_as_told(self):
        for path, methods in self.document["paths"].items():
            if "get" not in methods:
                continue
            got = self.server.get(path)
            told = methods["get"]["responses"][str(got.status)]["content"]
            kind = got.headers["Content-Type"].split(";")[0]
            self.assertIn(kind, told)
            if kind == "application/json":
                self.assertEqual(list(self.schemas.problems(got.json, told[kind]["schema"])), [])

    def test_requests_are_answered_as_told(self):
        n_good = 0
        for path, methods in self.document["paths"].items():
            if "post" not in methods:
                continue
            body = methods["post"]["requestBody"]["content"]["application/json"]["schema"]
            for seed in range(N_REQUESTS):
                request = self.schemas.make(body, maker(f"{path} {seed}"))
                got = self.server.post(path, request)
                told = methods["post"]["responses"].get(str(got.status))
                self.assertIn(got.status, (200, 422), (path, request, got.body))
                schema = self.schemas.place(told)["content"]["application/json"]["schema"]
                self.assertEqual(list(self.schemas.problems(got.json, schema)), [], (path, request))
                n_good += got.status == 200
        self.assertGreater(n_good, 12 * N_REQUESTS * 0.8)


if __name__ == "__main__":
    unittest.main()
