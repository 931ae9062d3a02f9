"""What operators see when things break: a store that cannot be written, a channel that is silent, a second node."""

import resource
import signal
import socket
import subprocess
import sys
import threading
import time

from broken_store import broken_and_mended, is_ready
from node import Node, check, run
from shop import Shops, audit, seed_of_run


def file_limit(welkin):
    """A quota, as near as one comes without rights: no file of the process may grow."""
    with Node(welkin) as node:
        def limit(size):
            resource.prlimit(node.serve.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        broken_and_mended(node, lambda: limit(4096), lambda: limit(resource.RLIM_INFINITY))


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
    ("a limit on file sizes, reached, is a full disk and not the end of the process", file_limit),
    ("a second node on the same journal is refused", second_node_refused),
    ("a chunked body is refused at the edge of a real process", one_message_bodies),
    ("a channel that is silent for a minute leaves payments open, and they settle when it is back",
     channel_away(meanwhile)),
])
