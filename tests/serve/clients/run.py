#!/usr/bin/env python3
"""Clients of rerank services, unchanged, against the real command and the bundled model.

usage: run.py COMMAND BUILD [--only REGEX] [--record FILE] [--versions]

BUILD holds node/ and python/<group>/, as tools/setup/clients.sh installs them; what is not there
is skipped, and said. With --record all that clients send is written to FILE, for
tests/serve/check_recorded.py. With --versions the versions of what would run are printed."""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
EXAMPLES = HERE.parents[2] / "examples/clients"
SAID_BY_EXAMPLES = "Owls hear mice"
sys.path.insert(0, str(HERE.parent))
from recorder import Recorder  # noqa: E402
from running import Occupied, Server  # noqa: E402


def node_versions():
    package = json.loads((HERE / "node/package.json").read_text())
    return dict(sorted(package["dependencies"].items()))


def python_versions(group):
    lines = (HERE / f"python/{group}.in").read_text().split()
    return dict(re.sub(r"\[.*\]", "", line).split("==") for line in lines)


def groups():
    return sorted(path.stem for path in (HERE / "python").glob("*.in"))


class Tests:
    """Each is (name, folder, command line, what it must print)."""

    def __init__(self, build):
        self.build, self.skipped = build, []

    def node(self):
        folder = self.build / "node"
        if not (folder / "node_modules").is_dir():
            self.skipped.append("npm's clients: build-clients/node is not there")
            return
        examples = sorted(EXAMPLES.glob("*.mjs"))
        for path in [*(HERE / "node").glob("*.mjs"), *examples]:
            shutil.copy(path, folder)  # imports are looked for beside the file
        for path in sorted((HERE / "node").glob("*.test.mjs")):
            yield f"node/{path.name.split('.')[0]}", folder, ["node", "--test", path.name], ""
        for path in examples:
            yield f"examples/{path.name}", folder, ["node", path.name], SAID_BY_EXAMPLES

    def python(self):
        for group in groups():
            python = self.build / "python" / group / "bin/python"
            if not python.exists():
                self.skipped.append(f"PyPI's clients: build-clients/python/{group} is not there")
                continue
            for path in sorted((HERE / "python").glob(f"test_{group}*.py")):
                yield f"python/{path.stem[5:]}", HERE / "python", [
                    str(python), "-B", "-W", "ignore", "-m", "unittest", path.stem], ""
            for path in sorted(EXAMPLES.glob(f"{group}_*.py")):
                yield (f"examples/{path.name}", EXAMPLES,
                       [str(python), "-B", "-W", "ignore", path.name], SAID_BY_EXAMPLES)


def run(tests, environment, only, recorder):
    failed = []
    for name, folder, command, wanted in tests:
        if only and not re.search(only, name):
            continue
        if recorder:
            recorder.client = name
        done = subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=600, check=False)
        is_ok = done.returncode == 0 and wanted in done.stdout
        print(f"{'ok  ' if is_ok else 'FAIL'} {name}", flush=True)
        if not is_ok:
            print(done.stdout[-8000:], flush=True)
            failed.append(name)
    return failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command")
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--only")
    parser.add_argument("--record", type=pathlib.Path)
    parser.add_argument("--versions", action="store_true")
    options = parser.parse_args()
    if options.versions:
        rows = dict(node_versions())
        for group in groups():
            rows.update(python_versions(group))
        for name, version in rows.items():
            print(f"{name} {version}")
        return 0
    tests = Tests(options.build.resolve())
    with Server(options.command) as plain, \
            Server(options.command, "--api-key", "right") as keyed, \
            Server(options.command, *Occupied.OPTIONS, preexec_fn=Occupied.be_nice) as busy, \
            Occupied(busy):
        recorder = Recorder(plain.port) if options.record else None
        port = recorder.port if recorder else plain.port
        environment = dict(
            os.environ, GRATING_URL=f"http://127.0.0.1:{port}",
            GRATING_KEYED_URL=f"http://127.0.0.1:{keyed.port}",
            GRATING_BUSY_URL=f"http://127.0.0.1:{busy.port}",
            # Clients that would tell somebody of their use, or look something up.
            HAYSTACK_TELEMETRY_ENABLED="False", LANGSMITH_TRACING="false",
            LITELLM_LOCAL_MODEL_COST_MAP="True", AI_SDK_LOG_WARNINGS="false",
            NO_PROXY="127.0.0.1", no_proxy="127.0.0.1")
        failed = run([*tests.node(), *tests.python()], environment, options.only, recorder)
        if recorder:
            recorder.write(options.record)
    for text in tests.skipped:
        print(f"SKIP {text}")
    if failed:
        print(f"failed: {', '.join(failed)}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
