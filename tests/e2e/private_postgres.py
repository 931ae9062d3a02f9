"""A PostgreSQL server of one test's own. Standard library and PostgreSQL's own programs only."""

import glob
import os
import pwd
import shutil
import subprocess
import tempfile

from node import check, free_port


class PrivatePostgres:
    """A server of the test's own in a temporary folder. PostgreSQL refuses to run as root, so root
    becomes the user its package made."""

    def __init__(self):
        self.binaries = os.path.dirname(sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))[-1])
        self.folder = tempfile.mkdtemp(prefix="welkin-e2e-postgres-")
        self.user = None
        if os.geteuid() == 0:
            self.user = pwd.getpwnam("postgres")
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        self.port = free_port()
        self.do("initdb", "-D", f"{self.folder}/data", "-A", "trust", "-U", "welkin", "--no-sync")
        self.start()
        self.do("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "welkin", "welkin")

    def do(self, program, *arguments):
        become = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if self.user else {}
        done = subprocess.run([f"{self.binaries}/{program}", *arguments], cwd=self.folder, text=True,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, **become)
        check(done.returncode == 0, (program, done.stderr))

    def start(self):
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}"
        self.do("pg_ctl", "-D", f"{self.folder}/data", "-w", "-o", options, "-l", f"{self.folder}/log", "start")

    def stop(self):
        self.do("pg_ctl", "-D", f"{self.folder}/data", "-w", "-m", "fast", "stop")

    @property
    def url(self):
        return f"postgresql://welkin@127.0.0.1:{self.port}/welkin"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.stop()
        except AssertionError as error:
            print(error)
        shutil.rmtree(self.folder, ignore_errors=True)
