"""A node acts only on a journal it has checked: what was cut off, changed or taken away while it was stopped is refused
at its start, or parks the one payment it belongs to."""

import glob
import json
import os
import signal
import sqlite3
import stat

from node import OPERATOR_KEY, Node, check, run, wait_until
from private_postgres import PrivatePostgres


def live(node, payments=3):
    made = [node.create(f"order-{n}", 1000).json["id"] for n in range(payments)]
    for payment in made:
        node.wait_status(payment, "PAID")
    return made


def refused_start(node, *words, code=3, options=()):
    node.serve = node.spawn(["serve", "--config", f"{node.folder}/welkin.toml", *options], "serve.log")
    ended = node.serve.wait(30)
    node.serve = None
    with open(f"{node.folder}/serve.log", encoding="utf-8") as log:
        last = [line for line in log if " critical " in line][-1]
    check(ended == code and all(word in last for word in words), (ended, words, last))


def accepted_start(node):
    node.serve = node.spawn(["serve", "--config", f"{node.folder}/welkin.toml", "--accept-truncated-journal"],
                            "serve.log")
    wait_until(lambda: node.answers(node.port, "/readyz"), "the gateway is ready", 30)


def remarks(node):
    shown = node.journal("show", "journal", "--json")
    return [(event["type"], event["payload"]) for event in json.loads(shown.stdout)["events"]]


def active_segment(node):
    return sorted(glob.glob(f"{node.folder}/journal/segment-*.db"))[-1]


def end_of(node):
    return json.loads(node.journal("stats", "--json").stdout)["last_position"]


def cut_off(welkin):
    for views_too in (False, True):
        with Node(welkin) as node:
            live(node)
            check(node.stop_serve() == 0, "a clean exit")
            end = end_of(node)
            with sqlite3.connect(active_segment(node)) as segment:
                segment.execute("DELETE FROM events WHERE position > ?", (end - 3,))
            if views_too:  # disposable: how far it had come is in meta.db too
                for path in glob.glob(f"{node.folder}/journal/views.db*"):
                    os.remove(path)
            found = node.journal("verify")
            check(found.returncode == 1 and f"position {end - 2} is missing" in found.stdout, found)
            refused_start(node, f"position {end - 3}", f"position {end}", "--accept-truncated-journal")
            refused_start(node, f"position {end - 3}")  # a refused start has changed nothing
            accepted_start(node)
            check(node.create("after").status == 201, "the node works")
            check(node.stop_serve() == 0, "a clean exit")
            kind, payload = remarks(node)[0]
            check((kind, payload["last_position"], payload["mark_position"]) ==
                  ("journal_truncation_accepted", end - 3, end), payload)
            check(node.journal("verify").returncode == 0, "what is there holds")
            node.start_serve()


def killed_is_no_fault(welkin):
    with Node(welkin) as node:
        live(node)
        node.stop_serve(signal.SIGKILL)
        for path in glob.glob(f"{node.folder}/journal/views.db*"):
            os.remove(path)
        check(node.journal("verify").returncode == 0, "verify needs no views")
        node.start_serve()
        check(len(node.request("GET", "/v1/payments").json["items"]) == 3, "the views are made anew")


def rewritten(welkin):
    """The last row and its hash are changed together: no later row can show it, the checkpoint's head does."""
    with Node(welkin) as node:
        live(node)
        check(node.stop_serve() == 0, "a clean exit")
        end = end_of(node)
        with sqlite3.connect(active_segment(node)) as segment:
            segment.execute("UPDATE events SET hash = zeroblob(31) || x'01' WHERE position = ?", (end,))
        refused_start(node, f"position {end}", "was changed")


def changed(welkin):
    """Case 18: an event's payload is changed under its own hash."""
    for restarted_behind_views in (True, False):
        with Node(welkin) as node:
            broken, sound = live(node, 2)
            check(node.stop_serve() == 0 if restarted_behind_views else
                  node.stop_serve(signal.SIGKILL) is not None, "stopped")
            with sqlite3.connect(active_segment(node)) as segment:
                segment.execute("UPDATE events SET payload = replace(payload, '1000', '9000') "
                                "WHERE stream = ? AND type = 'payment_created'", (broken,))
            before = end_of(node)
            node.start_serve()
            for answer in (node.request("GET", f"/v1/payments/{broken}"),
                           node.refund(broken, "refund-1", 400),
                           node.create("order-0", 1000),
                           node.request("GET", f"/v1/payments/{broken}/events")):
                check(answer.status == 503 and answer.json["code"] == "entity_parked" and
                      "does not match its own hash" in answer.json["detail"], answer)
            parked = node.request("GET", "/admin/v1/parked", key=OPERATOR_KEY).json["items"]
            check([item["payment_id"] for item in parked] == [broken] and "corrupt" in parked[0]["reason"], parked)
            check(end_of(node) == before, "nothing was appended")
            check(node.refund(sound, "refund-1", 400).status == 201, "the others go on")
            found = node.journal("verify")
            check(found.returncode == 1 and broken in found.stdout, found)


def taken_away(welkin):
    with Node(welkin) as node:
        live(node)
        check(node.stop_serve() == 0, "a clean exit")
        for path in glob.glob(f"{node.folder}/journal/meta.db*"):
            os.rename(path, f"{path}.away")
        check(node.journal("verify").returncode == 0, "the rows are all there")
        refused_start(node, "meta.db is missing", "--accept-truncated-journal")
        accepted_start(node)
        check(node.create("after").status == 201, "the node works")
        check(node.stop_serve() == 0, "a clean exit")
        check(remarks(node)[0][0] == "journal_truncation_accepted", "it is noted")
        os.remove(active_segment(node))
        refused_start(node, "ends at position 0")


def private(welkin):
    with Node(welkin) as node:
        live(node, 1)
        for path in [f"{node.folder}/journal", *glob.glob(f"{node.folder}/journal/*")]:
            mode = stat.S_IMODE(os.stat(path).st_mode)
            check(mode & 0o077 == 0, f"{path} is {mode:o}")
        check(any(path.endswith("-wal") for path in glob.glob(f"{node.folder}/journal/*")), "logs are looked at too")
        check(node.stop_serve() == 0, "a clean exit")
        os.chmod(active_segment(node), 0o644)
        node.start_serve()
        with open(f"{node.folder}/serve.log", encoding="utf-8") as log:
            warned = [line for line in log if "by others than their owner" in line]
        check(len(warned) == 1 and active_segment(node) in warned[0], warned)


def on_postgres(welkin):
    with PrivatePostgres() as postgres, Node(welkin, store_url=postgres.url) as node:
        sql = lambda text: postgres.do("psql", "-q", "-v", "ON_ERROR_STOP=1", "-c", text, postgres.url)
        broken, *_ = live(node)
        check(node.stop_serve() == 0, "a clean exit")
        end = end_of(node)
        sql("UPDATE welkin.events SET payload = replace(payload::text, '1000', '9000')::json "
            f"WHERE stream = '{broken}' AND type = 'payment_created'")
        node.start_serve()
        refused = node.refund(broken, "refund-1", 400)
        check(refused.status == 503 and "does not match its own hash" in refused.json["detail"], refused)
        check(node.stop_serve() == 0, "a clean exit")
        sql(f"UPDATE welkin.events SET payload = replace(payload::text, '9000', '1000')::json "
            f"WHERE stream = '{broken}' AND type = 'payment_created'")
        sql(f"DELETE FROM welkin.events WHERE position > {end - 2}")
        refused_start(node, f"position {end - 2}", f"position {end}", "--accept-truncated-journal")
        accepted_start(node)
        check(node.create("after").status == 201, "the node works")
        check(node.stop_serve() == 0, "a clean exit")
        check(remarks(node)[0][1]["mark_position"] == end, "it is noted")
        check(node.journal("verify").returncode == 0, "what is there holds")
        sql("DELETE FROM welkin.shard")
        refused_start(node, "welkin.shard is empty", "--accept-truncated-journal")
        accepted_start(node)
        check(node.create("after-all").status == 201, "the node works")
        check(node.stop_serve() == 0, "a clean exit")


run([
    ("a journal whose last events were cut off is refused with the position and the way out, which leaves a remark",
     cut_off),
    ("a kill and deleted views are no fault", killed_is_no_fault),
    ("a last row that was changed together with its hash is refused", rewritten),
    ("a payment whose rows were changed is parked with the reason, and nothing is appended", changed),
    ("a journal without meta.db or without its last segment is refused", taken_away),
    ("the journal's files are their owner's alone, and a start names one that is not", private),
    ("PostgreSQL: rows or shards that are gone are refused, rows that were changed park their payment", on_postgres),
])
