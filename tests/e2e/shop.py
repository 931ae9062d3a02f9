"""Shops that put a node under mixed load while it breaks, and what they were told set against its journal.

A shop keeps a ledger: what it asked, and whether that was acknowledged. `audit` compares the ledgers with
every row of the journal and with the books of the sandbox: what was acknowledged is there as it was said,
what was not is wholly there or not at all, and nothing else is there."""

import json
import os
import random
import threading
import time

from node import TEST_KEY, check, wait_until
from wire import Unanswered, Wire

# How far along a payment is; no answer may ever be behind one given before.
RANK = {"CREATED": 0, "PAYING": 1, "PAID": 2, "CLOSED": 2, "FAILED": 2, "PARTIALLY_REFUNDED": 3, "REFUNDED": 4}
BY_HAND = "[sandbox:no_auto_pay]"


def seed_of_run():
    """Printed, so that a failure can be repeated with WELKIN_TEST_SEED."""
    seed = int(os.environ.get("WELKIN_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"seed {seed} (repeat with WELKIN_TEST_SEED={seed})", flush=True)
    return seed


class Refund:
    def __init__(self, number, amount):
        self.number, self.amount, self.acknowledged = number, amount, False


class Order:
    """What one shop knows of one payment."""

    def __init__(self, number, amount, subject):
        self.body = {"merchant_order_no": number, "amount": amount, "currency": "CNY", "channel": "sandbox",
                     "subject": subject}
        self.number, self.amount = number, amount
        self.first = None  # the first acknowledged answer to its creation
        self.unheard = False  # asked, and each time the connection ended without a byte of an answer
        self.seen = None  # the payment as it was last shown
        self.refunds = []
        self.close_asked = self.close_acknowledged = False

    @property
    def id(self):
        return self.seen["id"]

    def has_been(self, status):
        return self.seen is not None and RANK[self.seen["status"]] >= RANK[status]


class Shop(threading.Thread):
    """One client, one request at a time, until told to stop."""

    def __init__(self, port, name, seed, pace_s=0.0, extra=None):
        super().__init__(daemon=True)
        self.extra = extra or {}  # fields of a creation that no answer shows
        self.name, self.random, self.pace_s = name, random.Random(f"{seed} {name}"), pace_s
        self.wire = Wire(port)
        self.stopping = threading.Event()
        self.orders, self.wrong = [], []
        self.answered = self.none = self.partial = 0
        self.done_unheard = 0  # repeats that found the work done which no answer had told of
        self.refused = []
        self.start()

    def stop(self):
        self.stopping.set()

    def run(self):
        try:
            while not self.stopping.is_set():
                self.step()
                if self.pace_s:
                    self.stopping.wait(self.pace_s)
        except Exception as error:  # pylint: disable=broad-except
            self.wrong.append(f"{self.name}: {type(error).__name__} {error}")
        self.wire.close()

    def step(self):
        paid = [order for order in self.orders[-40:] if order.has_been("PAID") and not order.close_asked]
        open_ones = [order for order in self.orders[-40:] if order.first and not order.has_been("PAID")]
        # Once each: a second close under the same key would find the first one's work done and could not
        # tell that from work of its own which no answer had told of.
        closable = [order for order in open_ones if not order.close_asked]
        draw = self.random.random()
        if draw < 0.15 and paid:
            self.refund(self.random.choice(paid))
        elif draw < 0.20 and closable:
            self.close(self.random.choice(closable))
        elif draw < 0.45 and open_ones + paid:
            self.look(self.random.choice(open_ones + paid))
        elif draw < 0.48:
            self.list()
        elif draw < 0.50 and paid:
            self.events(self.random.choice(paid))
        else:
            self.create()

    # ---- requests

    def ask(self, method, path, body=None, key=None):
        """The answer, or None when there was none or it said that nothing is certain."""
        headers = [("Authorization", f"Bearer {TEST_KEY}")] + ([("Idempotency-Key", key)] if key else [])
        try:
            answer = self.wire.exchange(method, path, body, headers)
        except Unanswered as error:
            if error.received:
                self.partial += 1
            else:
                self.none += 1
            self.stopping.wait(0.01)  # the node is gone for a moment
            return None
        json.loads(answer.body)  # a whole answer is a whole document
        if answer.status == 503:
            check(int(answer.headers["retry-after"]) > 0, answer)
            self.refused.append(answer)
            self.stopping.wait(0.02)
            return None
        self.answered += 1
        return answer

    def command(self, path, body, key):
        """Half of what stays unanswered is repeated as it was until it is answered, as a careful client
        does; the other half is left, as a client does that died itself."""
        none_before = self.none
        answer = self.ask("POST", path, body, key)
        unheard = self.none > none_before
        careful = self.random.random() < 0.5
        while answer is None and careful and not self.stopping.is_set():
            refused_before = len(self.refused)
            answer = self.ask("POST", path, body, key)
            unheard = unheard and len(self.refused) == refused_before
            if answer is not None and answer.status == 409 and answer.json["code"] == "idempotency_in_flight":
                answer, unheard = None, False
        if unheard and answer is not None and "idempotency-replayed" in answer.headers:
            self.done_unheard += 1
        return answer

    def create(self):
        subject = "Green tea" + (f" {BY_HAND}" if self.random.random() < 0.1 else "")
        order = Order(f"{self.name}-{len(self.orders)}", self.random.randint(100, 100_000), subject)
        self.orders.append(order)
        refused_before = len(self.refused)
        answer = self.command("/v1/payments", {**order.body, **self.extra}, f"create-{order.number}")
        if answer is None:
            order.unheard = len(self.refused) == refused_before
            return
        self.expect(answer.status == 201, order, answer)
        order.first = answer
        self.saw(order, answer)

    def refund(self, order):
        left = order.amount - sum(refund.amount for refund in order.refunds)
        if left < 2:
            return
        refund = Refund(f"refund-{len(order.refunds)}", self.random.randint(1, left // 2))
        order.refunds.append(refund)
        answer = self.command(f"/v1/payments/{order.id}/refunds",
                              {"merchant_refund_no": refund.number, "amount": refund.amount, "reason": "changed"},
                              f"{order.number}-{refund.number}")
        if answer is None:
            return
        self.expect(answer.status == 201 and answer.json["amount"] == refund.amount, order, answer)
        refund.acknowledged = True

    def close(self, order):
        order.close_asked = True
        answer = self.command(f"/v1/payments/{order.id}/close", {}, f"close-{order.number}")
        if answer is None:
            return
        if answer.status == 200:
            order.close_acknowledged = answer.json["status"] == "CLOSED"
            return self.saw(order, answer)
        self.expect(answer.status == 409, order, answer)

    def look(self, order):
        answer = self.ask("GET", f"/v1/payments/{order.id}")
        if answer is not None:
            self.expect(answer.status == 200, order, answer) and self.saw(order, answer)

    def list(self):
        answer = self.ask("GET", "/v1/payments?limit=5")
        if answer is not None:
            self.expect(answer.status == 200, None, answer)

    def events(self, order):
        answer = self.ask("GET", f"/v1/payments/{order.id}/events")
        if answer is not None:
            self.expect(answer.status == 200 and answer.json["items"], order, answer)

    # ---- judging what came

    def expect(self, condition, order, answer):
        if not condition:
            self.wrong.append(f"{order.body if order else ''} was answered {answer}")
        return condition

    def saw(self, order, answer):
        now, before = answer.json, order.seen
        same = all(now[name] == value for name, value in order.body.items())
        behind = before is not None and (RANK[now["status"]] < RANK[before["status"]] or
                                         now["refunded_amount"] < before["refunded_amount"])
        self.expect(same and not behind, order, answer)
        order.seen = now


class Shops:
    """Several shops at once. They go on while the node is killed and started again under them."""

    def __init__(self, node, name, seed, count=4, pace_s=0.0, extra=None):
        self.shops = [Shop(node.port, f"{name}{number}", seed, pace_s, extra) for number in range(count)]

    def answered(self):
        return sum(shop.answered for shop in self.shops)

    def wait_for_answers(self, more, timeout_s=30):
        wanted = self.answered() + more
        wait_until(lambda: self.answered() >= wanted or self.wrong(), f"{more} more answers", timeout_s)

    def stop(self):
        for shop in self.shops:
            shop.stop()
        for shop in self.shops:
            shop.join(60)
            check(not shop.is_alive(), f"{shop.name} is still waiting")
        return self

    def refused(self):
        return [answer for shop in self.shops for answer in shop.refused]

    def orders(self):
        return [order for shop in self.shops for order in shop.orders]

    def wrong(self):
        return [text for shop in self.shops for text in shop.wrong]

    def count(self, name):
        return sum(getattr(shop, name) for shop in self.shops)


# ---- the audit


class Stream:
    """One payment as the journal has it."""

    def __init__(self):
        self.types, self.payloads = [], []

    def all(self, kind):
        return [payload for type_, payload in zip(self.types, self.payloads) if type_ == kind]


def read_journal(node):
    exported = node.journal("export")
    check(exported.returncode == 0, exported.stderr)
    streams = {}
    for line in exported.stdout.splitlines():
        row = json.loads(line)
        if not row["stream"].startswith("pay_"):
            continue  # a breaker's
        stream = streams.setdefault(row["stream"], Stream())
        check(row["seq"] == len(stream.types) + 1, row)
        stream.types.append(row["type"])
        stream.payloads.append(json.loads(row["payload"]))
    return streams


def is_settled(stream):
    """Nothing is asked of the channel any more. An order that is paid by hand stays open for good."""
    refunds_open = (len(stream.all("payment_refund_requested")) - len(stream.all("payment_refund_succeeded"))
                    - len(stream.all("payment_refund_failed")))
    ended = {"payment_paid", "payment_closed", "payment_failed"} & set(stream.types)
    by_hand = BY_HAND in stream.payloads[0]["subject"]
    return not refunds_open and bool(ended or (by_hand and "payment_channel_accepted" in stream.types))


def wait_until_settled(node, timeout_s=45):
    """After the last kill a call whose answer nobody heard is asked about 15 s later."""
    open_ones = {}

    def none_open():
        open_ones.clear()
        open_ones.update({id: s for id, s in read_journal(node).items() if not is_settled(s)})
        return not open_ones

    deadline = time.monotonic() + timeout_s
    while not none_open():
        check(time.monotonic() < deadline,
              f"{len(open_ones)} never settle, as {[(id, s.types) for id, s in list(open_ones.items())[:3]]}")
        time.sleep(0.5)


def audit_order(order, stream):
    what = f"{order.body} as {stream and list(zip(stream.types, stream.payloads))}"
    if stream is None:
        check(order.first is None, f"an acknowledged payment is gone: {what}")
        return
    created = stream.payloads[0]
    check(stream.types[:2] == ["payment_created", "payment_started"], f"half a creation: {what}")
    check((created["merchant_order_no"], created["amount_minor"], created["subject"]) ==
          (order.number, order.amount, order.body["subject"]), f"not what was asked: {what}")
    paid = stream.all("payment_paid")
    check(len(paid) <= 1 and not stream.all("payment_surplus_recorded"), f"paid twice: {what}")
    if order.has_been("PAID") and order.seen["status"] not in ("CLOSED", "FAILED"):
        check(len(paid) == 1 and paid[0]["captured_minor"] == order.amount, f"shown as paid: {what}")
    if order.close_acknowledged:
        check("payment_closed" in stream.types and not paid, f"acknowledged as closed: {what}")
    asked = {refund.number: refund for refund in order.refunds}
    requested = stream.all("payment_refund_requested")
    check(len({r["merchant_refund_no"] for r in requested}) == len(requested), f"a refund twice: {what}")
    for row in requested:
        check(row["amount_minor"] == asked.pop(row["merchant_refund_no"]).amount, f"not as asked: {what}")
    check(not any(refund.acknowledged for refund in asked.values()), f"an acknowledged refund is gone: {what}")
    succeeded = [row["refund_id"] for row in stream.all("payment_refund_succeeded")]
    check(sorted(succeeded) == sorted(row["refund_id"] for row in requested), f"each refund once: {what}")


def audit_books(streams, stats):
    """Money at the channel is money in the journal: nothing charged or given back that is not recorded."""
    paid = [row["captured_minor"] for s in streams.values() for row in s.all("payment_paid")]
    given_back = [row["amount_minor"] for s in streams.values() for row in s.all("payment_refund_succeeded")]
    check(stats["charged_minor"].get("CNY", 0) == sum(paid), (stats, sum(paid)))
    check(stats["refunded_minor"].get("CNY", 0) == sum(given_back), (stats, sum(given_back)))


def audit_replays(node, orders):
    """The same key gets the answer it got, byte for byte, however often the node died since."""
    wire = Wire(node.port)
    for order in orders:
        again = wire.exchange("POST", "/v1/payments", order.body,
                              [("Authorization", f"Bearer {TEST_KEY}"),
                               ("Idempotency-Key", f"create-{order.number}")])
        if "idempotency-replayed" in order.first.headers:
            # The try that was carried out was never answered: a crash ended its wait, and until the channel
            # has spoken a repeat shows the payment as recorded. It is the same payment, and never behind.
            check(again.json["id"] == order.first.json["id"] and
                  RANK[again.json["status"]] >= RANK[order.first.json["status"]], (order.first, again))
        else:
            check((again.status, again.body) == (order.first.status, order.first.body), (order.first, again))
        check(again.headers.get("idempotency-replayed") == "true", again)
    wire.close()


def audit(node, shops, replays=300, seed=0, others=(), settle_timeout_s=45):
    """Shops have stopped, the node runs. `others` are order numbers that somebody else made. Returns the
    journal's streams."""
    wrong = [text for some in shops for text in some.wrong()]
    check(not wrong, "\n".join([f"{len(wrong)} answers are wrong", *wrong[:5]]))
    orders = [order for some in shops for order in some.orders()]
    acknowledged = [order for order in orders if order.first is not None]
    audit_replays(node, random.Random(seed).sample(acknowledged, min(replays, len(acknowledged))))
    wait_until_settled(node, settle_timeout_s)
    streams = read_journal(node)
    by_number = {stream.payloads[0]["merchant_order_no"]: stream for stream in streams.values()}
    check(len(by_number) == len(streams), "two payments for one order number")
    for order in orders:
        audit_order(order, by_number.pop(order.number, None))
    check(set(by_number) == set(others), f"payments nobody asked for: {list(by_number)[:5]}")
    audit_books(streams, node.control("GET", "/stats").json)
    verified = node.journal("verify")
    check(verified.returncode == 0, verified)
    return streams
