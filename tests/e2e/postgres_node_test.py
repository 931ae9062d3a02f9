"""The same node on PostgreSQL: a private server, a payment's life, a restart of the database under it."""

import glob
import os
import pwd
import shutil
import subprocess
import tempfile

from node import Node, check, free_port, run, wait_until


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


def life(welkin):
    with PrivatePostgres() as postgres, Node(welkin, store_url=postgres.url) as node:
        payment = node.create("order-1", 1000, headers={"Idempotency_Key": "key-1"}).json
        node.wait_status(payment["id"], "PAID")
        node.refund(payment["id"], "refund-1", 400)
        node.wait_status(payment["id"], "PARTIALLY_REFUNDED")
        check(node.journal("verify").returncode == 0, "the journal verifies")
        shown = node.journal("show", payment["id"])
        check("payment_refund_succeeded" in shown.stdout, shown)

        postgres.stop()
        refused = wait_until(lambda: (lambda a: a if a.status == 503 else None)(node.create("during")),
                             "creates are refused", 30)
        check(refused.json["code"] in ("store_unavailable", "outcome_unknown"), refused)
        postgres.start()
        wait_until(lambda: node.request("GET", "/readyz", key=None).status == 200, "ready again", 30)
        after = wait_until(lambda: (lambda a: a if a.status == 201 else None)(node.create("after")),
                           "creates are taken", 30)
        node.wait_status(after.json["id"], "PAID", 40)

        check(node.stop_serve() == 0, "a clean exit")
        node.start_serve()
        again = node.create("order-1", 1000, headers={"Idempotency_Key": "key-1"})
        check(again.status == 201 and again.json == payment, (payment, again))
        check(node.journal("verify").returncode == 0, "the journal verifies")


run([("a payment lives on PostgreSQL, which is restarted under the node", life)])
