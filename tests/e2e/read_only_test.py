"""A journal whose files turn read-only, where files may be made immutable."""

import glob
import subprocess

from broken_store import broken_and_mended
from node import Node, Skip, run


def read_only_files(welkin):
    with Node(welkin) as node:
        def change(attribute):
            # Immutable, because permissions mean nothing to a file that is open already.
            files = [name for name in glob.glob(f"{node.folder}/journal/*.db*") if not name.endswith("-shm")]
            return subprocess.run(["chattr", attribute, *files], capture_output=True, check=False).returncode == 0
        if not change("+i"):
            raise Skip("no right to make files immutable here")
        change("-i")
        broken_and_mended(node, lambda: change("+i"), lambda: change("-i"))


run([("files that turn read-only under the node are a full disk too", read_only_files)])
