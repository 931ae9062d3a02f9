"""A payment's whole life over HTTP, against a real gateway and a real sandbox in processes of their own."""

import json
import re
import signal
import sqlite3
import subprocess
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

from node import OPERATOR_KEY, OTHER_KEY, Node, check, run, wait_until


def life(welkin):
    with Node(welkin) as node:
        created = node.create("order-1", 1000, headers={"Idempotency_Key": "key-1"})
        check(created.status == 201, created)
        payment = created.json
        check(payment["status"] == "PAYING" and payment["next_action"]["value"], payment)
        node.wait_status(payment["id"], "PAID")
        types = node.event_types(payment["id"])
        check(types == ["payment_created", "payment_started", "payment_channel_accepted", "payment_paid"], types)

        first = node.refund(payment["id"], "refund-1", 300)
        check(first.status in (200, 201), first)
        node.wait_status(payment["id"], "PARTIALLY_REFUNDED")
        again = node.refund(payment["id"], "refund-1", 300)
        check(again.json["id"] == first.json["id"], "the same refund number is the same refund")
        other = node.refund(payment["id"], "refund-1", 301)
        check(other.status == 409 and other.json["code"] == "refund_exists_with_other_body", other)
        above = node.refund(payment["id"], "refund-2", 701)
        check(above.status == 422 and above.json["code"] == "amount_exceeds_refundable", above)
        node.refund(payment["id"], "refund-3", 700)
        whole = node.wait_status(payment["id"], "REFUNDED")
        check(whole["refunded_amount"] == 1000, whole)

        shown = node.journal("show", payment["id"])
        check(shown.returncode == 0 and "payment_paid" in shown.stdout, shown)
        verified = node.journal("verify")
        check(verified.returncode == 0, verified)


def manual_capture(welkin):
    with Node(welkin) as node:
        held = node.create("order-1", 1000, capture="manual").json
        node.wait_status(held["id"], "AUTHORIZED")
        above = node.request("POST", f"/v1/payments/{held['id']}/capture", {"amount": 1001})
        check(above.status == 422 and above.json["code"] == "amount_exceeds_authorized", above)
        taken = node.request("POST", f"/v1/payments/{held['id']}/capture", {"amount": 600})
        check(taken.status == 200, taken)
        paid = node.wait_status(held["id"], "PAID")
        check(paid["captured_amount"] == 600, paid)
        voided = node.create("order-2", 500, capture="manual").json
        node.wait_status(voided["id"], "AUTHORIZED")
        check(node.request("POST", f"/v1/payments/{voided['id']}/void").status == 200, "void")
        node.wait_status(voided["id"], "CLOSED")
        late = node.request("POST", f"/v1/payments/{voided['id']}/capture", {"amount": 1})
        check(late.status == 409 and late.json["code"] == "illegal_transition", late)
        check("CLOSED" in late.json["detail"] and "AUTHORIZED" in late.json["detail"], late)


def closing(welkin):
    with Node(welkin, sandbox_options=["--no-auto-pay"]) as node:
        payment = node.create("order-1").json
        check(payment["next_action"]["type"] == "qr_code", payment)
        sent_back = node.create("order-2", return_url="https://shop.example.com/back").json
        check(sent_back["next_action"]["type"] == "redirect", sent_back)
        closed = node.request("POST", f"/v1/payments/{payment['id']}/close")
        check(closed.status == 200, closed)
        check(node.wait_status(payment["id"], "CLOSED")["close_reason"] == "merchant", "close reason")
        types = node.event_types(payment["id"])
        check(types[-2:] == ["payment_close_requested", "payment_closed"], types)


def merchants_apart(welkin):
    with Node(welkin) as node:
        mine = node.create("order-1").json["id"]
        theirs = node.create("order-1", key=OTHER_KEY)
        check(theirs.status == 201 and theirs.json["id"] != mine, "one order number, two merchants")
        for method, path in [("GET", ""), ("POST", "/close"), ("POST", "/void"), ("GET", "/events"),
                             ("GET", "/refunds")]:
            answer = node.request(method, f"/v1/payments/{mine}{path}", key=OTHER_KEY)
            check(answer.status == 404 and answer.json["code"] == "not_found", (method, path, answer))
        listed = node.request("GET", "/v1/payments", key=OTHER_KEY).json
        check([p["id"] for p in listed["items"]] == [theirs.json["id"]], listed)
        check(node.request("GET", "/admin/v1/parked").status in (401, 403), "operators only")
        check(node.request("GET", "/admin/v1/parked", key=OPERATOR_KEY).status == 200, "operators may")


def restart_when_key_is_old(node, age_s):
    """The node starts again and finds its idempotency records that old."""
    check(node.stop_serve() == 0, "a clean exit")
    views = sqlite3.connect(f"{node.folder}/journal/views.db")
    with views:
        aged = views.execute("UPDATE idempotency SET at_us = ?", (int((time.time() - age_s) * 1e6),))
    views.close()
    check(aged.rowcount == 1, "one key was used")
    node.start_serve()


def idempotency_over_restart(welkin):
    with Node(welkin) as node:
        key = {"Idempotency_Key": "key-1"}
        first = node.create("order-1", 1000, headers=key)
        check(first.status == 201, first)
        node.wait_status(first.json["id"], "PAID")
        restart_when_key_is_old(node, 24 * 3600 - 60)
        again = node.create("order-1", 1000, headers=key)
        check(again.status == 201 and again.json == first.json, (first, again))
        check(again.headers.get("idempotency-replayed") == "true", again.headers)
        other = node.create("order-2", 1000, headers=key)
        check(other.status == 422 and other.json["code"] == "idempotency_key_reused", other)
        check(node.payment(first.json["id"])["status"] == "PAID", "the payment itself went on")
        restart_when_key_is_old(node, 24 * 3600 + 1)
        fresh = node.create("order-2", 1000, headers=key)
        check(fresh.status == 201 and "idempotency-replayed" not in fresh.headers, fresh)


def repeated_under_another_key(welkin):
    with Node(welkin) as node:
        payment = node.create("order-1").json
        node.wait_status(payment["id"], "PAID")
        first = node.refund(payment["id"], "refund-1", 100, Idempotency_Key="key-1")
        check(first.status == 201, first)
        second = node.refund(payment["id"], "refund-1", 100, Idempotency_Key="key-2")
        replayed = node.refund(payment["id"], "refund-1", 100, Idempotency_Key="key-2")
        for answer in (second, replayed):
            check(answer.status == 200 and answer.json["id"] == first.json["id"], (first, answer))
        check(replayed.headers.get("idempotency-replayed") == "true", replayed.headers)


def overtaken_answer(welkin):
    with Node(welkin) as node:
        key = {"Idempotency_Key": "key-1"}
        first = node.create("order-1", headers=key, subject="Green tea [sandbox:delay=700]")
        check(first.status == 201 and first.json["status"] == "PAID", "the payer was faster than the channel")
        again = node.create("order-1", headers=key, subject="Green tea [sandbox:delay=700]")
        check(again.status == 201 and again.json == first.json, (first, again))


def lists(welkin):
    with Node(welkin) as node:
        ids = [node.create(f"order-{i}").json["id"] for i in range(7)]
        for payment_id in ids:
            node.wait_status(payment_id, "PAID")
        seen, cursor = [], None
        while True:
            page = node.request("GET", "/v1/payments?limit=3" + (f"&cursor={cursor}" if cursor else "")).json
            seen += [payment["id"] for payment in page["items"]]
            cursor = page.get("next_cursor")
            if not cursor:
                break
        check(seen == list(reversed(ids)), (seen, ids))
        one = node.request("GET", "/v1/payments?merchant_order_no=order-3").json["items"]
        check([payment["id"] for payment in one] == [ids[3]], one)
        none = node.request("GET", "/v1/payments?status=CLOSED").json["items"]
        check(none == [], none)
        everything = node.request("GET", "/v1/payments?status=PAID").json["items"]
        check(len(everything) == 7, "by status")
        created_within(node, everything)
        journal_commands(node, ids)


def created_within(node, payments):
    """`created_from` is the first moment that is in the range, `created_to` the first that is not."""
    payments = sorted(payments, key=lambda payment: payment["created_at"])
    begin, end = payments[2]["created_at"], payments[5]["created_at"]
    in_beijing = datetime.fromisoformat(begin.replace("Z", "+00:00")).astimezone(timezone(timedelta(hours=8)))
    in_beijing = in_beijing.isoformat(timespec="milliseconds").replace("+", "%2B")
    for query, wanted in [
            (f"created_from={begin}&created_to={end}", lambda at: begin <= at < end),
            (f"created_from={begin}", lambda at: begin <= at),
            (f"created_from={in_beijing}", lambda at: begin <= at),
            (f"created_to={end}", lambda at: at < end),
            (f"created_from={end}&created_to={begin}", lambda at: False)]:
        found = {payment["id"] for payment in node.request("GET", f"/v1/payments?{query}").json["items"]}
        check(found == {payment["id"] for payment in payments if wanted(payment["created_at"])}, (query, found))


def journal_commands(node, ids):
    """`welkin journal` on the running node, as an operator types it."""
    theirs = node.create("order-7", key=OTHER_KEY, subject="Green tea [sandbox:no_auto_pay]").json["id"]
    wait_until(lambda: node.request("GET", f"/v1/payments/{theirs}", key=OTHER_KEY).json["next_action"], "made")
    node.request("GET", "/v1/payments")  # which brings the views up to date

    def listed(*options):
        answer = node.journal("list", "--json", *options)
        check(answer.returncode == 0, answer)
        return [payment["payment_id"] for payment in json.loads(answer.stdout)["payments"]]

    newest_first = list(reversed(ids))
    check(listed() == [theirs] + newest_first, "all")
    check(listed("--merchant", "m_test") == newest_first, "one merchant's")
    check(listed("--merchant", "m_test", "--limit", "2") == newest_first[:2], "the newest two")
    check(listed("--state", "PAID") == newest_first and listed("--state", "PAYING") == [theirs], "by state")
    check(listed("--merchant", "m_other", "--state", "PAID") == [], "both hold")
    check(listed("--open") == [theirs], "those that wait")
    for wrong in (["--state", "SOLD"], ["--limit", "0"]):
        check(node.journal("list", *wrong).returncode == 2, wrong)
    text = node.journal("list", "--merchant", "m_other").stdout
    check("m_other/order-7" in text and "PAYING" in text and "m_test/" not in text, text)

    stats = json.loads(node.journal("stats", "--json").stdout)
    check(stats["events"] == stats["last_position"] == 7 * 4 + 3 and stats["segments"] == 1, stats)
    check(f"events         {stats['events']}\n" in node.journal("stats").stdout, "the same for people")

    def tailed(*options):
        answer = node.journal("tail", "--json", *options)
        check(answer.returncode == 0, answer)
        return [json.loads(line) for line in answer.stdout.splitlines()]

    check([row["position"] for row in tailed("-n", "3")] == [29, 30, 31], tailed("-n", "3"))
    check([row["position"] for row in tailed("--from", "30")] == [30, 31], tailed("--from", "30"))
    paid = tailed("--type", "payment_paid", "-n", "2")
    check([row["type"] for row in paid] == ["payment_paid"] * 2, paid)
    story = tailed("--stream", "m_test/order-3")
    check([row["seq"] for row in story] == [1, 2, 3, 4] and {row["stream"] for row in story} == {ids[3]}, story)
    check(node.journal("tail", "--type", "payment_sold").returncode == 2, "no such event")

    following = subprocess.Popen([node.welkin, "journal", "tail", "-f", "-n", "1", "--json", "--db", node.store_url],
                                 stdout=subprocess.PIPE, text=True)
    try:
        check(json.loads(following.stdout.readline())["position"] == 31, "it begins with the last one")
        node.create("order-8")
        check(json.loads(following.stdout.readline())["position"] == 32, "and goes on with what comes")
        following.send_signal(signal.SIGINT)
        check(following.wait(10) == 0, "Ctrl-C ends it well")
    finally:
        following.kill()
        following.stdout.close()


def named_by_the_client(welkin):
    with Node(welkin, sandbox_options=["--no-auto-pay"]) as node:
        named = {"X_Request_Id": "timer"}
        first = node.create("order-1", headers={**named, "Idempotency_Key": "key-1"})
        check(first.headers["x-request-id"] == "timer", first)
        payment_id = first.json["id"]
        closed = node.request("POST", f"/v1/payments/{payment_id}/close", **named, Idempotency_Key="key-2")
        check(closed.json["status"] == "CLOSED", closed)
        # Two commands of one name are two: the first is shown again as it was answered, open.
        again = node.create("order-1", headers={"Idempotency_Key": "key-1"})
        check((again.status, again.body) == (201, first.body), again)
        check(again.headers["idempotency-replayed"] == "true", again)

        events = node.request("GET", f"/v1/payments/{payment_id}/events").json["items"]
        asked = [event for event in events if event["payload"].get("request")]
        check([event["payload"]["request"]["request_id"] for event in asked] == ["timer", "timer"], events)
        causes = [event["causation_id"] for event in asked]
        check(len(set(causes)) == 2 and all(re.fullmatch("request:[0-9a-z]{26}", cause) for cause in causes), causes)
        check({event["causation_id"].split(":")[0] for event in events} <= {"request", "answer", "callback", "query"},
              events)
        shown = node.journal("show", "m_test/order-1").stdout
        check("request id timer" in shown and causes[0] in shown, shown)

        unnamed = node.create("order-2")
        made = node.request("GET", f"/v1/payments/{unnamed.json['id']}/events").json["items"][0]
        check(made["payload"]["request"]["request_id"] == "", made)
        check(made["causation_id"] == "request:" + unnamed.headers["x-request-id"].removeprefix("req_"), made)


def expiry(welkin):
    with Node(welkin, sandbox_options=["--no-auto-pay"]) as node:
        payment = node.create("order-1", expires_in_s=1)
        check(payment.status == 201, payment)
        # Let the node be down when it expires, so that the timer has to be a durable one.
        check(node.stop_serve() == 0, "a clean exit")
        node.start_serve()
        wait_until(lambda: node.payment(payment.json["id"])["status"] == "CLOSED", "expired", 90)
        # It is asked before it is told to close, and this channel closes what has expired by itself.
        last = node.request("GET", f"/v1/payments/{payment.json['id']}/events").json["items"][-1]
        check(last["type"] == "payment_closed", last)
        check(last["causation_id"].split(":")[0] in ("query", "callback", "answer"), last)
        check(node.payment(payment.json["id"])["close_reason"] == "expired", "the reason")


def threads_by_name(welkin):
    with Node(welkin) as node:
        node.wait_status(node.create("order-1").json["id"], "PAID")
        names = {name.read_text().strip() for name in Path(f"/proc/{node.serve.pid}/task").glob("*/comm")}
        page = Path(__file__).parents[2].joinpath("docs/operations.md").read_text()
        section = page.split("## Which thread does what")[1].split("\n## ")[0]
        told = set(re.findall(r"`([a-z.]+)`", section.split("|---|---|")[1]))
        check(names == told, f"threads {sorted(names)}, the operator is told of {sorted(told)}")


run([
    ("create, pay by callback, refund in parts, never above what was captured", life),
    ("manual capture takes a part, void gives up the rest", manual_capture),
    ("close asks the channel first", closing),
    ("one merchant can neither see nor touch another's payments", merchants_apart),
    ("an idempotency key replays the stored answer after a restart, for 24 hours", idempotency_over_restart),
    ("a refund repeated under another key is shown again under that key too", repeated_under_another_key),
    ("an answer that a callback overtook is replayed as it was given", overtaken_answer),
    ("what a client calls its request stands beside the cause and is none", named_by_the_client),
    ("lists page newest first and filter, over HTTP and in the journal's commands", lists),
    ("each of a node's threads has a name, which the operator's page explains", threads_by_name),
    ("a payment that expired while the node was down is closed through the channel", expiry),
])
