"""The command ``grating``, as it comes in the wheel."""
from __future__ import annotations

import os
import subprocess
import sys

from ._library import NATIVE


def main() -> int:
    """Replaces this process by the command; where that cannot be, runs it."""
    path = NATIVE / "bin" / ("grating.exe" if os.name == "nt" else "grating")
    if not path.exists():
        print(f"grating: {path} is not there: this installation came without the command",
              file=sys.stderr)
        return 1
    if os.name == "posix":
        os.execv(path, ["grating", *sys.argv[1:]])
    return subprocess.call([str(path), *sys.argv[1:]])
