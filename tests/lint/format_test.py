"""Every C++ file is laid out as .clang-format says. `./dev format` does it.

Usage: format_test.py ROOT
"""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__ + "/../../..").resolve()
FOLDERS = ("actors", "app", "bench", "gateway", "persistence", "protocol", "sandbox", "tests")

files = sorted(str(path) for folder in FOLDERS for path in (ROOT / folder).rglob("*.[ch]pp"))
if not files:
    sys.exit("there is no file to check")
sys.exit(subprocess.run(["clang-format", "--dry-run", "-Werror", *files], check=False).returncode)
