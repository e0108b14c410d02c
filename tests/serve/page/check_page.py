#!/usr/bin/env python3
"""The page without a browser: how it is served, that it asks nobody else, that its parts work.

usage: check_page.py COMMAND

Its JavaScript is read and its parts are tried where there is Node 18 or later; without it that is
skipped, with a line that says so."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ASSETS = HERE.parents[2] / "serve" / "assets"
COMMAND = sys.argv.pop(1)
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".json": "application/json"}
NAMESPACE = "http://www.w3.org/2000/svg"
sys.path.insert(0, str(HERE.parent))
from running import Server  # noqa: E402


def node():
    """Node, when there is one that knows what the page uses."""
    found = shutil.which("node")
    if found:
        version = subprocess.run([found, "--version"], capture_output=True, text=True).stdout
        if int(re.match(r"v(\d+)", version)[1]) >= 18:
            return found
    return None


class Served(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(COMMAND, "--api-key", "secret")
        cls.addClassCleanup(cls.server.__exit__, None, None, None)

    def test_every_file_is_there_without_a_key(self):
        for path in ASSETS.iterdir():
            answer = self.server.get("/" + path.name)
            self.assertEqual(answer.status, 200, path.name)
            self.assertEqual(answer.body, path.read_bytes())
            self.assertEqual(answer.headers["Content-Type"], TYPES[path.suffix])
            self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
        self.assertEqual(self.server.get("/").body, (ASSETS / "index.html").read_bytes())
        for path in ("/v1/models", "/info", "/metrics", "/nothing.js"):
            self.assertEqual(self.server.get(path).status, 401, path)

    def test_the_policy_lets_nothing_else_in(self):
        policy = dict(part.strip().split(" ", 1) for part in
                      self.server.get("/").headers["Content-Security-Policy"].split(";"))
        self.assertEqual(policy.pop("default-src"), "'none'")
        self.assertEqual(policy.pop("require-trusted-types-for"), "'script'")
        self.assertLessEqual(set(policy.values()), {"'self'", "'none'"})

    def test_a_browser_that_has_it_is_not_sent_it_again(self):
        first = self.server.get("/page.js")
        again = self.server.get("/page.js", headers={"If-None-Match": first.headers["ETag"]})
        self.assertEqual((again.status, again.body), (304, b""))
        other = self.server.get("/page.js", headers={"If-None-Match": '"other"'})
        self.assertEqual(other.status, 200)


class Sources(unittest.TestCase):
    def test_nothing_comes_from_elsewhere(self):
        for path in ASSETS.iterdir():
            text = path.read_text(encoding="utf-8").replace(NAMESPACE, "")
            if path.suffix == ".json":
                continue # a document for programs; the page does not read it
            self.assertNotRegex(text, r"(?i)\b(https?|wss?|ftp|data):[/\w]|\burl\(|@import|[\"'`(=]//\w", path.name)

    def test_what_is_named_is_there(self):
        page = (ASSETS / "index.html").read_text()
        named = re.findall(r'(?:src|href)="([^"#]+)"', page)
        for path in ASSETS.glob("*.js"):
            named += re.findall(r'from "\./([^"]+)"', path.read_text())
        self.assertGreater(len(named), 20)
        for name in named:
            self.assertTrue((ASSETS / name).is_file(), name)

    def test_elements_that_scripts_look_for_are_there(self):
        page = (ASSETS / "index.html").read_text()
        ids = re.findall(r'\bid="([^"]+)"', page)
        self.assertEqual(len(ids), len(set(ids)))
        for path in ASSETS.glob("*.js"):
            for name in re.findall(r'\bfind\("([^"]+)"\)', path.read_text()):
                self.assertIn(name, ids, path.name)
        for name in re.findall(r'\b(?:for|aria-labelledby|aria-describedby)="([^"]+)"', page):
            self.assertIn(name, ids)

    def test_nothing_that_the_policy_would_stop(self):
        page = (ASSETS / "index.html").read_text()
        self.assertNotRegex(page, r"<style|\bstyle=|\bon[a-z]+=|<script(?![^>]*\bsrc=)")
        for path in ASSETS.glob("*.js"):
            self.assertNotRegex(path.read_text(), r"innerHTML|outerHTML|insertAdjacentHTML|\beval\(|new Function|document\.write",
                                path.name)

    def test_scripts(self):
        command = node()
        if not command:
            print("SKIP the page's JavaScript: there is no Node 18 or later")
            self.skipTest("no node")
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "package.json").write_text('{"type": "module"}')
            for path in ASSETS.glob("*.js"):
                copy = shutil.copy(path, folder)
                done = subprocess.run([command, "--check", copy], capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stderr)
            done = subprocess.run([command, "--test", HERE / "parts.test.mjs"], capture_output=True, text=True,
                                  env=dict(os.environ, ASSETS=folder))
            self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    unittest.main()
