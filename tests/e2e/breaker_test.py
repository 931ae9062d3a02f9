"""The circuit breaker before a channel account: it opens by itself, operators work it, and a kill changes nothing."""

import json
import signal
import threading
import time

from node import OPERATOR_KEY, OTHER_KEY, SECRET, Node, check, free_port, run, wait_until

BREAKERS = "/admin/v1/breakers"


def breaker(node, account="sandbox"):
    answer = node.request("GET", BREAKERS, key=OPERATOR_KEY)
    check(answer.status == 200, answer)
    found = [item for item in answer.json["items"] if item["account"] == account]
    check(len(found) == 1, answer)
    return found[0]


def order(node, action, reason="a drill", key=OPERATOR_KEY):
    return node.request("POST", f"{BREAKERS}/sandbox", {"action": action, "reason": reason}, key=key)


def timeline(node):
    shown = node.journal("show", "breaker:sandbox", "--json")
    check(shown.returncode == 0, shown)
    return json.loads(shown.stdout)


def by_hand(welkin):
    with Node(welkin) as node:
        fresh = breaker(node)
        check((fresh["account"], fresh["state"], fresh["since"]) == ("sandbox", "CLOSED", None), fresh)
        for key in (None, OTHER_KEY):
            check(node.request("GET", BREAKERS, key=key).status in (401, 403), "operators only")
            check(order(node, "force_open", key=key).status in (401, 403), "operators only")
        check(breaker(node)["state"] == "CLOSED", "who may not has changed nothing")

        forced = order(node, "force_open", "maintenance until noon")
        check(forced.status == 200 and forced.json["state"] == "FORCED_OPEN", forced)
        check(order(node, "force_open").status == 200, "once more is no mistake")
        payment = node.create("order-1")
        check(payment.status == 201 and payment.json["status"] == "PAYING", payment)
        check(node.control("GET", "/stats").json["orders"] == 0, "the channel has not heard of it")

        node.stop_serve(signal.SIGKILL)
        node.start_serve()
        still = breaker(node)
        check(still["state"] == "FORCED_OPEN" and still["reason"] == "maintenance until noon", still)

        released = order(node, "release", "over")
        check(released.status == 200 and released.json["state"] == "HALF_OPEN", released)
        again = order(node, "release")
        check(again.status == 409 and again.json["code"] == "illegal_transition", again)
        node.wait_status(payment.json["id"], "PAID", 40)
        check(order(node, "disable").json["state"] == "DISABLED", "disabled")

        shown = timeline(node)
        by_operators = [(e["type"], e["payload"]["by"], e["payload"]["reason"]) for e in shown["events"]
                        if "by" in e["payload"]]
        check(by_operators == [("breaker_forced_open", "operator", "maintenance until noon"),
                               ("breaker_released", "operator", "over"),
                               ("breaker_disabled", "operator", "a drill")], by_operators)
        check(node.request("GET", f"/v1/payments/{shown['stream']}/events").status == 404, "no payment's story")
        verified = node.journal("verify")
        check(verified.returncode == 0 and "1 breakers" in verified.stdout, verified)
        metrics = node.request("GET", "/metrics", key=None).body.decode()
        check('welkin_breaker_state{account="sandbox",state="DISABLED"} 1' in metrics, "the state is a metric")


def as_configured(welkin):
    nobody = f"""
[[channel.account]]
name = "nobody"
kind = "sandbox"
serves = "nobody"
base_url = "http://127.0.0.1:{free_port()}"
secret = "{SECRET}"
minimum_calls = 2
open_ms = 3000
"""
    with Node(welkin, config_extra=nobody) as node:
        for n in range(2):
            check(node.create(f"order-{n}", channel="nobody").status == 201, "taken all the same")
        wait_until(lambda: breaker(node, "nobody")["state"] == "OPEN", "two calls found nobody")
        check(breaker(node)["state"] == "CLOSED", "the other account has nothing to do with it")
        wait_until(lambda: breaker(node, "nobody")["state"] == "HALF_OPEN", "three seconds are over", 10)


def by_itself(welkin):
    with Node(welkin) as node:
        node.sandbox.send_signal(signal.SIGSTOP)
        answers = []
        customers = [threading.Thread(target=lambda n=n: answers.append(node.create(f"order-{n}")))
                     for n in range(24)]
        for customer in customers:
            customer.start()
        wait_until(lambda: breaker(node)["state"] == "OPEN", "24 calls timed out", 20)
        for customer in customers:
            customer.join()
        check(all(answer.status == 201 and answer.json["status"] == "PAYING" for answer in answers), answers)
        quick = node.create("quick")
        check(quick.status == 201 and quick.json["status"] == "PAYING", quick)

        node.stop_serve(signal.SIGKILL)
        node.sandbox.send_signal(signal.SIGCONT)
        node.start_serve()
        check(breaker(node)["trips"] == 1, "a restart does not forget")

        def recovers():
            node.create(f"probe-{breaker(node)['refused_calls']}-{time.monotonic()}")
            return breaker(node)["state"] in ("RECOVERING", "CLOSED")

        wait_until(recovers, "probes go through and decide", 30)
        node.wait_status(quick.json["id"], "PAID", 60)
        opened = timeline(node)["events"][0]
        check(opened["type"] == "breaker_opened" and opened["payload"]["figures"]["failures"] >= 20, opened)


run([
    ("operators force a breaker open, release and disable it, and a kill between changes nothing", by_hand),
    ("an account's breaker judges as it is configured, and alone", as_configured),
    ("a silent channel opens its breaker, and it recovers by itself", by_itself),
])
