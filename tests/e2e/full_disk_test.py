"""A disk that is full, and has room again: a small file system of its own, where mounts are allowed."""

import os
import shutil
import subprocess
import tempfile

from broken_store import broken_and_mended
from node import Node, Skip, run


def full_disk(welkin):
    mount = tempfile.mkdtemp(prefix="welkin-e2e-disk-")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", mount],
                             capture_output=True, check=False)
    if mounted.returncode != 0:
        os.rmdir(mount)
        raise Skip("no right to mount here")

    def fill():
        with open(f"{mount}/ballast", "wb", buffering=0) as ballast:
            try:
                while True:  # the node writes meanwhile, so how much fits is not known before
                    ballast.write(b"x" * 4096)
            except OSError:
                pass

    try:
        with Node(welkin, store_url=f"sqlite:{mount}/journal") as node:
            broken_and_mended(node, fill, lambda: os.remove(f"{mount}/ballast"))
    finally:
        subprocess.run(["umount", "-l", mount], check=False)
        shutil.rmtree(mount, ignore_errors=True)


run([("a full disk refuses with 503, readiness turns red, and service resumes by itself", full_disk)])
