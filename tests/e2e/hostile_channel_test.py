"""Every misbehaviour of the sandbox, and what becomes of the payment."""

import time

from node import Node, check, run, wait_until


def with_tag(node, order_no, *tags, **fields):
    subject = "Green tea " + "".join(f"[sandbox:{tag}]" for tag in tags)
    answer = node.create(order_no, subject=subject, **fields)
    check(answer.status == 201, (tags, answer))
    return answer.json


def settles_as_paid(tag, must_contain=()):
    def test(welkin):
        with Node(welkin) as node:
            payment = with_tag(node, "order-1", tag)
            node.wait_status(payment["id"], "PAID", 40)
            types = node.event_types(payment["id"])
            check(types.count("payment_paid") == 1, types)
            for wanted in must_contain:
                check(wanted in types, types)
            stats = node.control("GET", "/stats").json
            check(node.journal("verify").returncode == 0, "the journal verifies")
            check(stats, stats)
    return test


def answers_too_late(welkin):
    """The caller's patience of a second is over before the answer comes: the order stands, and nothing is known of it."""
    with Node(welkin) as node:
        begun = time.monotonic()
        payment = with_tag(node, "order-1", "timeout_after_work", "callback_missing")
        check(time.monotonic() - begun >= 1, "the answer was held back")
        check(payment["status"] == "PAYING" and payment["next_action"] is None, payment)
        check(len(node.control("GET", "/orders").json["orders"]) == 1, "the work was done")
        node.wait_status(payment["id"], "PAID", 40)
        check("payment_unsettled" in node.event_types(payment["id"]), "it was asked about")


def answers_slowly(welkin):
    with Node(welkin) as node:
        begun = time.monotonic()
        payment = with_tag(node, "order-1", "delay=300", "no_auto_pay")
        check(time.monotonic() - begun >= 0.3, "the answer was late")
        check(payment["next_action"], "and was waited for")
        order_no = node.control("GET", "/orders").json["orders"][0]["out_order_no"]
        node.control("POST", f"/orders/{order_no}/pay", {})
        node.wait_status(payment["id"], "PAID")
        check("payment_unsettled" not in node.event_types(payment["id"]), "nothing was left to ask")


def overtaken(welkin):
    """The news that it is paid comes after the news that a part was given back."""
    with Node(welkin) as node:
        begun = time.monotonic()
        payment = with_tag(node, "order-1", "callback_reorder")
        wait_until(lambda: node.control("GET", "/orders").json["orders"][0]["captured_minor"] == 1000, "paid there")
        # Asked to close, the channel says how it stands.
        node.request("POST", f"/v1/payments/{payment['id']}/close")
        node.wait_status(payment["id"], "PAID")
        check(node.refund(payment["id"], "refund-1", 300).status == 201, "refund")
        node.wait_status(payment["id"], "PARTIALLY_REFUNDED")
        wait_until(lambda: node.control("GET", "/stats").json["callbacks_delivered"] == 2, "both were told")
        check(time.monotonic() - begun >= 1.5, "that of the payment was held back")
        final = node.payment(payment["id"])
        check((final["status"], final["captured_amount"], final["refunded_amount"]) ==
              ("PARTIALLY_REFUNDED", 1000, 300), final)
        types = node.event_types(payment["id"])
        check(types.count("payment_paid") == 1 and "payment_surplus_recorded" not in types, types)


def forged(welkin):
    with Node(welkin) as node:
        payment = with_tag(node, "order-1", "callback_forged")
        node.wait_status(payment["id"], "PAID", 40)
        types = node.event_types(payment["id"])
        check(types.count("payment_paid") == 1 and "payment_report_refused" in types, types)
        check(types.index("payment_report_refused") < types.index("payment_paid"), types)
        metrics = node.request("GET", "/metrics", key=None).body.decode()
        refused = [line for line in metrics.splitlines()
                   if line.startswith("welkin_channel_callbacks_refused_total")]
        check(refused and float(refused[0].split()[-1]) >= 1, refused)


def late_success(welkin):
    with Node(welkin, sandbox_options=["--no-auto-pay"]) as node:
        # The payer pays while the sandbox keeps its callback back and the merchant closes: whichever
        # way the race ends, the payer's money is either taken for a paid order or given back.
        payment = with_tag(node, "order-1", "callback_late")
        order_no = node.control("GET", "/orders").json["orders"][0]["out_order_no"]
        node.control("POST", f"/orders/{order_no}/pay", {})
        node.request("POST", f"/v1/payments/{payment['id']}/close")
        final = wait_until(lambda: (lambda p: p if p["status"] in ("PAID", "REFUNDED") else None)(
            node.payment(payment["id"])), "paid or refunded", 40)
        check(final["status"] == "PAID", "a paid order cannot be closed at the sandbox")


def declined(welkin):
    with Node(welkin) as node:
        payment = with_tag(node, "order-1", "decline")
        failed = node.wait_status(payment["id"], "FAILED")
        check(failed["failure"]["code"], failed)


def sandbox_away(welkin):
    with Node(welkin) as node:
        node.sandbox.kill()
        node.sandbox.wait()
        node.sandbox = None
        created = node.create("order-1")
        check(created.status == 201 and created.json["status"] == "PAYING", created)
        node.start_sandbox()
        node.wait_status(created.json["id"], "PAID", 40)
        types = node.event_types(created.json["id"])
        check("payment_unsettled" in types, types)


run([
    ("a time-out after the work was done does not fail the payment", answers_too_late),
    ("a 5xx is unknown, and settled by query", settles_as_paid("error_5xx", ["payment_unsettled"])),
    ("a garbage body is unknown, and settled by query", settles_as_paid("garbage", ["payment_unsettled"])),
    ("a delayed answer is waited for", answers_slowly),
    ("a repeated callback pays once", settles_as_paid("callback_duplicate")),
    ("callbacks out of order come to the same", overtaken),
    ("a missing callback is made up for by query", settles_as_paid("callback_missing")),
    ("a wrong amount is refused, journaled and does not pay",
     settles_as_paid("callback_wrong_amount", ["payment_report_refused"])),
    ("a forged callback is refused, counted, journaled and changes nothing", forged),
    ("a late callback after a close leaves no money astray", late_success),
    ("a decline fails the payment with the channel's words", declined),
    ("a channel that is away is asked again when it is back", sandbox_away),
])
