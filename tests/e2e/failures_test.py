"""What operators see when things break: a store that cannot be written, a channel that is silent, a second node."""

import glob
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from node import Node, check, run, wait_until
from shop import Shops, audit, seed_of_run

# What a broken store may answer.
STORE_BROKEN = {"store_unavailable", "outcome_unknown"}


def is_ready(node):
    return node.request("GET", "/readyz", key=None).status == 200


def broken_and_mended(node, break_it, mend_it):
    """Under load the store breaks, is refused and said to be broken, is mended, and service resumes by itself."""
    seed = seed_of_run()
    kept = node.create("before").json["id"]
    node.wait_status(kept, "PAID")
    shops = Shops(node, "shop", seed, count=4, pace_s=0.005)
    try:
        shops.wait_for_answers(100)
        check(not shops.refused(), "all is well before")
        break_it()
        wait_until(lambda: len(shops.refused()) >= 20, "commands are refused", 30)
        wait_until(lambda: not is_ready(node), "readiness turns red", 10)
        check(node.request("GET", "/healthz", key=None).status == 200, "it is alive all the same")
        check(node.payment(kept)["status"] == "PAID", "what was acknowledged can be read")
        refused = node.create("during")
        check(refused.status == 503 and refused.json["code"] in STORE_BROKEN, refused)
        check(int(refused.headers["retry-after"]) > 0, refused)
    finally:
        mend_it()
    wait_until(lambda: is_ready(node), "ready again", 30)
    shops.wait_for_answers(100)
    shops.stop()
    codes = {answer.json["code"] for answer in shops.refused()}
    check(codes <= STORE_BROKEN and shops.count("none") == shops.count("partial") == 0, codes)
    again = node.create("during")
    check(again.status == 201, again)
    node.wait_status(again.json["id"], "PAID", 40)
    audit(node, [shops], seed=seed, others={"before", "during"})
    check(node.stop_serve() == 0, "a clean exit")


def full_disk(welkin):
    mount = tempfile.mkdtemp(prefix="welkin-e2e-disk-")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", mount],
                             capture_output=True, check=False)
    if mounted.returncode != 0:
        os.rmdir(mount)
        print("skip a full disk: no right to mount here", flush=True)
        return

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


def file_limit(welkin):
    """A quota, as near as one comes without rights: no file of the process may grow."""
    with Node(welkin) as node:
        def limit(size):
            resource.prlimit(node.serve.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        broken_and_mended(node, lambda: limit(4096), lambda: limit(resource.RLIM_INFINITY))


def read_only_files(welkin):
    with Node(welkin) as node:
        def change(attribute):
            # Immutable, because permissions mean nothing to a file that is open already.
            files = [name for name in glob.glob(f"{node.folder}/journal/*.db*") if not name.endswith("-shm")]
            return subprocess.run(["chattr", attribute, *files], capture_output=True, check=False).returncode == 0
        if not change("+i"):
            print("skip read-only files: no right to make them immutable here", flush=True)
            return
        change("-i")
        broken_and_mended(node, lambda: change("+i"), lambda: change("-i"))


class ChannelAway(threading.Thread):
    """The sandbox stands still for a minute and returns, beside whatever else is tested meanwhile."""

    def __init__(self, welkin):
        super().__init__(daemon=True)
        self.welkin, self.error, self.spent_s = welkin, None, 0.0
        self.start()

    def run(self):
        started = time.monotonic()
        try:
            self.stand_still()
        except BaseException as error:  # pylint: disable=broad-except
            self.error = error
        self.spent_s = time.monotonic() - started

    def stand_still(self):
        seed = seed_of_run()
        with Node(self.welkin) as node:
            node.sandbox.send_signal(signal.SIGSTOP)
            silent_from = time.monotonic()
            # Begun five to ten seconds into the silence, a payment's next question, about 25 or 56 s later,
            # comes soon after it: the back-off itself is not what is tested here.
            time.sleep(5)
            shops = Shops(node, "shop", seed, count=4, pace_s=0.02)
            alone = node.create("alone")
            # Nobody is refused and nobody is told "failed": the payment is taken and stays open.
            check(alone.status == 201 and alone.json["status"] == "PAYING", alone)
            time.sleep(4)
            shops.stop()
            while time.monotonic() < silent_from + 60:
                check(is_ready(node), "a silent channel is no reason to be taken out of service")
                status = node.payment(alone.json["id"])["status"]
                check(status == "PAYING", f"unknown is {status}")
                time.sleep(1)
            node.sandbox.send_signal(signal.SIGCONT)
            node.wait_status(alone.json["id"], "PAID", 90)
            check("payment_unsettled" in node.event_types(alone.json["id"]), "it was asked about")
            check(not shops.refused() and shops.count("none") == shops.count("partial") == 0, shops.refused()[:3])
            check(len(shops.orders()) >= 10, "payments were begun meanwhile")
            audit(node, [shops], seed=seed, others={"alone"}, settle_timeout_s=150)


def channel_away(away):
    def test(_):
        away.join(300)
        if away.error is not None:
            raise away.error
        check(away.spent_s >= 60, away.spent_s)
    return test


def second_node_refused(welkin):
    with Node(welkin) as node:
        second = subprocess.run([welkin, "serve", "--config", f"{node.folder}/welkin.toml"],
                                capture_output=True, text=True, timeout=30, check=False)
        check(second.returncode != 0, second)
        check(node.create("order-1").status == 201, "the first goes on")


def one_message_bodies(welkin):
    with Node(welkin) as node:
        with socket.create_connection(("127.0.0.1", node.port), timeout=10) as raw:
            raw.sendall(b"POST /v1/payments HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            head = raw.recv(4096).decode()
        check(head.startswith("HTTP/1.1 411") and "transfer_encoding_refused" in head, head)
        check(node.create("order-1").status == 201, "others are served")


meanwhile = ChannelAway(sys.argv[1])
run([
    ("a full disk refuses with 503, readiness turns red, and service resumes by itself", full_disk),
    ("a limit on file sizes, reached, is a full disk and not the end of the process", file_limit),
    ("files that turn read-only under the node are a full disk too", read_only_files),
    ("a second node on the same journal is refused", second_node_refused),
    ("a chunked body is refused at the edge of a real process", one_message_bodies),
    ("a channel that is silent for a minute leaves payments open, and they settle when it is back",
     channel_away(meanwhile)),
])
