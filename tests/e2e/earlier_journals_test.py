"""Journals written by earlier programs (tests/fixtures/journals) are verified and served."""

import json
import os
import pathlib
import tarfile

from node import Node, check, run, wait_until
from private_postgres import PrivatePostgres

JOURNALS = pathlib.Path(__file__).resolve().parents[1] / "fixtures" / "journals"
CONFIG = "[runtime]\nshards = 16\n"


class EarlierNode(Node):
    """Serves a journal that is there, with the channel account its payments know and nobody behind it."""

    def channel_config(self):
        return CONFIG + super().channel_config().replace("[channel.sandbox]", """[[channel.account]]
name = "sandbox_main"
kind = "sandbox"
serves = "sandbox\"""")


def holds(node, expected):
    """What had ended is served as it was; what is open is served and goes on."""
    verified = node.journal("verify")
    check(verified.returncode == 0, verified)
    node.start_sandbox()
    node.start_serve()
    for payment in expected:
        served = node.payment(payment["payment_id"])
        if not payment["open"]:
            check((served["status"], served["captured_amount"], served["refunded_amount"]) ==
                  (payment["state"], payment["captured_minor"], payment["refunded_minor"]), (payment, served))
        check(node.event_types(payment["payment_id"])[0] == "payment_created", served)
    listed = node.request("GET", "/v1/payments?limit=100").json["items"]
    # The last payments were behind the views.
    check({item["id"] for item in listed} > {payment["payment_id"] for payment in expected}, listed)
    new = node.create("a-new-one").json
    node.wait_status(new["id"], "PAID")
    check(node.stop_serve() == 0, "a clean exit")
    verified = node.journal("verify")
    check(verified.returncode == 0, verified)


def sqlite(welkin):
    node = EarlierNode(welkin)
    try:
        with tarfile.open(JOURNALS / "sqlite.tar.xz") as tar:
            tar.extractall(node.folder)
        check(len([name for name in os.listdir(f"{node.folder}/journal") if name.startswith("segment-")
                   and name.endswith(".db")]) >= 3, "several segments")
        holds(node, json.loads((JOURNALS / "sqlite.json").read_text()))
    finally:
        node.close()


def postgres(welkin):
    with PrivatePostgres() as server:
        node = EarlierNode(welkin, store_url=server.url)
        try:
            server.do("psql", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(JOURNALS / "postgres.sql"), server.url)
            # The schema is an older one until a node has started.
            node.start_sandbox()
            node.start_serve()
            wait_until(lambda: node.answers(node.port, "/readyz"), "ready")
            check(node.stop_serve() == 0, "a clean exit")
            node.sandbox.kill()
            node.sandbox.wait()
            node.sandbox = None
            holds(node, json.loads((JOURNALS / "postgres.json").read_text()))
        finally:
            node.close()


run([
    ("an earlier program's SQLite journal is verified and served", sqlite),
    ("an earlier program's PostgreSQL journal is verified and served", postgres),
])
