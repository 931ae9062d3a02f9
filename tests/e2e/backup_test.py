"""`welkin journal backup` beside a node under load, and what `restore` makes of it."""

import json
import os
import sqlite3
import stat
import subprocess
import threading

from node import Node, call, check, run, wait_until
from private_postgres import PrivatePostgres

SEGMENTS = "segment_rows = 1000\n"


class SmallSegments(Node):
    def write_config(self):
        super().write_config()
        with open(f"{self.folder}/welkin.toml", encoding="utf-8") as file:
            text = file.read()
        with open(f"{self.folder}/welkin.toml", "w", encoding="utf-8") as file:
            file.write(text.replace("[http]", f"{SEGMENTS}[http]", 1))


class Clients:
    """Create payments for as long as they run, and keep what was acknowledged, in order."""

    def __init__(self, node, count=4):
        self.node, self.stopped, self.acknowledged = node, threading.Event(), []
        self.threads = [threading.Thread(target=self.buy, args=(n,)) for n in range(count)]
        for thread in self.threads:
            thread.start()

    def buy(self, number):
        for n in range(1_000_000):
            if self.stopped.is_set():
                return
            answer = self.node.create(f"load-{number}-{n}", 100)
            check(answer.status == 201, answer)
            self.acknowledged.append(answer.json["id"])

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join()


def welkin(node, *arguments):
    return subprocess.run([node.welkin, "journal", *arguments], capture_output=True, text=True, timeout=120, check=False)


def streams_of(node, url):
    lines = welkin(node, "export", "--db", url).stdout.splitlines()
    return {json.loads(line)["stream"] for line in lines}


def under_load(program):
    with SmallSegments(program) as node:
        clients = Clients(node)
        try:
            for number in range(3):
                wait_until(lambda n=number: len(clients.acknowledged) > 250 * (n + 1), "a good number of payments", 60)
                before = list(clients.acknowledged)
                backup = f"{node.folder}/backup-{number}"
                made = welkin(node, "backup", backup, "--db", node.store_url)
                check(made.returncode == 0 and "every row of the copy holds" in made.stdout, made)
                check(set(before) <= streams_of(node, f"sqlite:{backup}"), "what was acknowledged before is in it")
                for name in os.listdir(backup):
                    mode = stat.S_IMODE(os.stat(f"{backup}/{name}").st_mode)
                    check(mode & 0o077 == 0 and not name.endswith(("-wal", "-shm")), (name, oct(mode)))
        finally:
            clients.stop()
        check(len([name for name in os.listdir(f"{node.folder}/journal") if name.endswith(".db")]) > 3, "segments")
        again = welkin(node, "backup", backup, "--db", node.store_url)
        check(again.returncode == 3 and "not an empty folder" in again.stderr, again)
        target = f"sqlite:{node.folder}/restored"
        restored = welkin(node, "restore", backup, "--db", target)
        check(restored.returncode == 0, restored)
        verified = welkin(node, "verify", "--db", target)
        check(verified.returncode == 0 and "1 remarks on the journal" in verified.stdout, verified)
        check(set(before) <= streams_of(node, target), "the restored journal has it too")
        refused = welkin(node, "restore", backup, "--db", target)
        check(refused.returncode == 3 and "not an empty folder" in refused.stderr, refused)
        with sqlite3.connect(f"{backup}/segment-000001.db") as damaged:
            damaged.execute("UPDATE events SET at_us = at_us + 1 WHERE position = 7")
        refused = welkin(node, "restore", backup, "--db", f"sqlite:{node.folder}/other")
        check(refused.returncode == 1 and "position 7" in refused.stderr and not os.path.exists(f"{node.folder}/other"), refused)


def asked_again(program):
    """Two payments are open when the backup is made. Afterwards one is paid and one that had been closed is, too;
    the journal that knows of it is lost."""
    with Node(program) as node:
        waiting = "Tea [sandbox:no_auto_pay]"
        settled = node.create("settled").json["id"]
        node.wait_status(settled, "PAID")
        opened = node.create("open", subject=waiting).json["id"]
        backup = f"{node.folder}/backup"
        check(welkin(node, "backup", backup, "--db", node.store_url).returncode == 0, "a backup")
        for order in call(node.sandbox_port, "GET", "/orders").json["orders"]:
            call(node.sandbox_port, "POST", f"/orders/{order['out_order_no']}/pay", b"")
        node.wait_status(opened, "PAID")
        check(node.stop_serve() == 0, "a clean exit")
        os.rename(f"{node.folder}/journal", f"{node.folder}/lost")

        restored = welkin(node, "restore", backup, "--db", node.store_url)
        check(restored.returncode == 0, restored)
        node.start_serve()
        wait_until(lambda: len(remarks(node)) == 2, "the channels have answered", 30)
        check([kind for kind, _ in remarks(node)] == ["journal_restored", "journal_asked_after_restore"], remarks(node))
        check(remarks(node)[1][1] == {"payments": 2, "unanswered": 0}, remarks(node))
        check(node.payment(opened)["status"] == "PAID", "what was lost is known again")
        check(node.event_types(settled)[-1] == "payment_paid", "what was known stays as it was")
        check(node.stop_serve() == 0, "a clean exit")
        node.start_serve()
        check(len(remarks(node)) == 2, "asked once")
        check(node.journal("verify").returncode == 0, "the journal verifies")


def remarks(node):
    shown = node.journal("show", "journal", "--json")
    return [(event["type"], event["payload"]) for event in json.loads(shown.stdout)["events"]]


def on_postgres(program):
    with PrivatePostgres() as postgres, Node(program, store_url=postgres.url) as node:
        refused = welkin(node, "backup", f"{node.folder}/backup", "--db", postgres.url)
        check(refused.returncode == 2 and "pg_dump" in refused.stderr, refused)
        opened = node.create("open", subject="Tea [sandbox:no_auto_pay]").json["id"]
        postgres.do("pg_dump", "-Fc", "-f", f"{postgres.folder}/dump", postgres.url)
        for order in call(node.sandbox_port, "GET", "/orders").json["orders"]:
            call(node.sandbox_port, "POST", f"/orders/{order['out_order_no']}/pay", b"")
        node.wait_status(opened, "PAID")
        check(node.stop_serve() == 0, "a clean exit")
        postgres.do("pg_restore", "--clean", "-d", postgres.url, f"{postgres.folder}/dump")
        restored = welkin(node, "restore", "--in-place", "--db", postgres.url)
        check(restored.returncode == 0, restored)
        node.start_serve()
        wait_until(lambda: len(remarks(node)) == 2, "the channels have answered", 30)
        node.wait_status(opened, "PAID")


run([
    ("a backup beside a node under load holds all that was acknowledged before it, and restores", under_load),
    ("after a restore each open and each recent payment is asked about, once", asked_again),
    ("PostgreSQL is dumped and loaded by its own programs, and the restore is noted in place", on_postgres),
])
