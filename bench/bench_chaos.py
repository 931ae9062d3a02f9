"""Payments over two routes, one of which fails: does every order get paid, and once?

    bench_chaos.py WELKIN [PAYMENTS]    20000 unless told otherwise

A real gateway has two accounts of equal weight for one channel. Route A is bad: it fails 30 % of its calls (503, before
or after the work) and holds back the answer of another 10 % after doing the work, until the caller's time is over. In
the middle it stands still for some seconds, so that its breaker opens, and then does what it was asked meanwhile.
Route B is well. When all has settled, the books of both are set against the journal, order by order and to the last
fen. It fails when an order in two thousand is not paid, one is charged twice for good, or the sums differ. Its small form
is run by tests/e2e/chaos_test.py."""

import json
import os
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "e2e"))

from node import SECRET, Node, TEST_KEY, call, check, free_port, wait_until  # pylint: disable=wrong-import-position
from shop import read_journal  # pylint: disable=wrong-import-position
from wire import Wire  # pylint: disable=wrong-import-position

CLIENTS = 64
AMOUNT = 1000
BAD = {"error_5xx_rate": 0.3, "timeout_after_work_rate": 0.1, "hold_ms": 1500}
WORKERS = 512  # of route A: three quarters of them may hold an answer back
STANDS_STILL_S = 6
LEAST_SUCCESS_RATE = 0.9995
CALL_TIMEOUT_MS = 1000
SETTLING_S = 480
ORDER_PAGE = 1000


class TwoRoutes(Node):
    """`sandbox` is route A; a second sandbox process is route B of the same channel."""

    def __init__(self, welkin, breaker=""):
        self.b_port, self.b, self.breaker = free_port(), None, breaker
        super().__init__(welkin, sandbox_options=["--control", json.dumps(BAD), "--workers", str(WORKERS)])

    def channel_config(self):
        return "\n".join(f"""[[channel.account]]
name = "{name}"
kind = "sandbox"
serves = "sandbox"
base_url = "http://127.0.0.1:{port}"
secret = "{SECRET}"
notify_url = "http://127.0.0.1:{self.port}/channels/{name}/notify"
timeout_ms = {CALL_TIMEOUT_MS}
{self.breaker}""" for name, port in (("sandbox", self.sandbox_port), ("route_b", self.b_port)))

    def start_sandbox(self):
        super().start_sandbox()
        self.b = self.spawn(["sandbox", "--port", str(self.b_port), "--secret", SECRET, "--notify-url",
                             f"http://127.0.0.1:{self.port}/channels/route_b/notify", "--auto-pay-ms", "50"],
                            "route_b.log")
        wait_until(lambda: self.answers(self.b_port, "/sandbox/control/stats"), "route B answers")

    def close(self):
        if self.b is not None and self.b.poll() is None:
            self.b.kill()
            self.b.wait()
        super().close()


class Till(threading.Thread):
    """One client that creates its share of the payments, and repeats what was not acknowledged."""

    def __init__(self, port, numbers):
        super().__init__(daemon=True)
        self.wire, self.numbers = Wire(port), numbers
        self.created = self.repeated = 0

    def run(self):
        headers = [("Authorization", f"Bearer {TEST_KEY}")]
        for number in self.numbers:
            body = {"merchant_order_no": f"chaos-{number}", "amount": AMOUNT, "currency": "CNY",
                    "channel": "sandbox", "subject": "Green tea"}
            while self.wire.exchange("POST", "/v1/payments", body, headers).status not in (200, 201):
                self.repeated += 1
                time.sleep(0.05)
            self.created += 1
        self.wire.close()


def create_all(node, payments, stands_still_s):
    started = time.monotonic()
    tills = [Till(node.port, range(first, payments, CLIENTS)) for first in range(CLIENTS)]
    for till in tills:
        till.start()
    stood_still = False
    while any(till.is_alive() for till in tills):
        time.sleep(0.02)
        check(node.serve.poll() is None, "the gateway ended")
        if not stood_still and sum(till.created for till in tills) > payments // 3:
            stood_still = True
            node.sandbox.send_signal(signal.SIGSTOP)
            time.sleep(stands_still_s)
            node.sandbox.send_signal(signal.SIGCONT)
    check(stood_still, "route A stood still while payments came")
    return time.monotonic() - started, sum(till.repeated for till in tills)


def open_payments(node):
    """Whether the list still shows payments that are on their way."""
    return sum(len(node.request("GET", f"/v1/payments?status={status}&limit=1").json["items"])
               for status in ("CREATED", "PAYING"))


def settle(node):
    """Until nothing is on its way; what is so after SETTLING_S counts as not paid. A surplus is given back after
    its payment has ended."""
    started = time.monotonic()
    while time.monotonic() < started + SETTLING_S:
        time.sleep(1)
        if open_payments(node) == 0 and surplus_under_way(read_journal(node)) == 0:
            break
    return time.monotonic() - started


def surplus_under_way(streams):
    return sum(len(s.all("payment_surplus_recorded")) - len(s.all("payment_surplus_refunded"))
               - len(s.all("payment_refund_failed")) for s in streams.values())


def books_of(port):
    """Order number → what the route keeps of the payer's money."""
    kept, before = {}, ""
    while True:
        page = call(port, "GET", f"/sandbox/control/orders?limit={ORDER_PAGE}{before}").json["orders"]
        kept.update({order["out_order_no"]: order["captured_minor"] - order["refunded_minor"] for order in page})
        if len(page) < ORDER_PAGE:
            return kept
        before = f"&before={page[-1]['out_order_no']}"


def channel_postings(streams):
    """What the journal says that the channels keep: the postings on their accounts."""
    return sum(posting["amount_minor"] for stream in streams.values() for payload in stream.payloads
               for posting in payload.get("postings", []) if posting["account"].startswith("channel/"))


def chaos(welkin, payments, small=False):
    """The figures of a run. In a small one route A recovers at once, so that what it has spoilt settles with the next
    question, and its breaker is open for moments only."""
    with TwoRoutes(welkin, "open_ms = 500\nmax_open_ms = 500\nramp_ms = 0" if small else "") as node:
        create_s, repeated = create_all(node, payments, 2 if small else STANDS_STILL_S)
        if small:
            node.control("PUT", "/misbehave", {name: 0 for name in BAD if name.endswith("_rate")})
        settle_s = settle(node)
        streams = read_journal(node)
        trips = node.journal("export").stdout.count('"breaker_opened"')
        verified = node.journal("verify")
        check(verified.returncode == 0, verified.stderr)
        route_a, route_b = books_of(node.sandbox_port), books_of(node.b_port)

    kept = {}
    for books in (route_a, route_b):
        for order_no, minor in books.items():
            payment = order_no[:26]  # the rest of the number is the attempt
            kept[payment] = kept.get(payment, 0) + minor
    paid = sum(1 for s in streams.values() if s.all("payment_paid"))
    figures = {
        "success_rate": paid / payments,
        "double_charges_unrefunded": sum(1 for minor in kept.values() if minor > AMOUNT),
        "sum_difference": sum(kept.values()) - channel_postings(streams),
        "payments": len(streams),
        "by_route_a": sum(1 for minor in route_a.values() if minor > 0),
        "by_route_b": sum(1 for minor in route_b.values() if minor > 0),
        "fallen_through": sum(1 for s in streams.values() if s.all("payment_route_refused")),
        "unsettled_once": sum(1 for s in streams.values() if s.all("payment_unsettled")),
        "surplus_refunded": sum(len(s.all("payment_surplus_refunded")) for s in streams.values()),
        "breaker_opened": trips,
        "creates_repeated": repeated,
        "create_s": round(create_s, 1),
        "settle_s": round(settle_s, 1),
    }
    for name, value in figures.items():
        print(f"{name:>26} {value}")
    print(json.dumps(figures), flush=True)
    return figures


def faults_of(figures):
    """What must not be so, in words."""
    faults = []
    if figures["success_rate"] < LEAST_SUCCESS_RATE:
        faults.append(f"success_rate is below {LEAST_SUCCESS_RATE}")
    return faults + [f"{name} is not 0" for name in ("double_charges_unrefunded", "sum_difference") if figures[name] != 0]


if __name__ == "__main__":
    found = faults_of(chaos(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 20_000))
    sys.exit("; ".join(found) or None)
