"""Two nodes on one PostgreSQL database: the second is refused while the first lives, a killed one is followed
at once, and one that has been fenced turns not ready and ends by itself."""

import signal

from node import Node, check, run, wait_until
from private_postgres import PrivatePostgres

REFUSED, ENDED = 3, 4  # exit codes


def log_of(node):
    with open(f"{node.folder}/serve.log", encoding="utf-8", errors="replace") as file:
        return file.read()


def second_is_refused(welkin):
    with PrivatePostgres() as postgres, Node(welkin, store_url=postgres.url) as first:
        second = Node(welkin, store_url=postgres.url)
        try:
            second.start_serve(wait_ready=False)
            check(second.serve.wait(30) == REFUSED, "the second node is refused")
            second.serve = None
            check("in use by the node with pid" in log_of(second), log_of(second))
            check(first.create("order-1").status == 201, "the first one serves on")
            check(first.request("GET", "/readyz", key=None).status == 200, "the first one is ready")
            check(first.stop_serve() == 0, "a clean exit")
            second.start_sandbox()
            second.start_serve()
            second.stop_serve(signal.SIGKILL)
            second.start_serve()
            check("has died; it is taken over" in log_of(second), log_of(second))
        finally:
            second.close()


def fenced_ends(welkin):
    with PrivatePostgres() as postgres, Node(welkin, store_url=postgres.url) as node:
        check(node.create("order-1").status == 201, "it serves")
        postgres.do("psql", "-h", "127.0.0.1", "-p", str(postgres.port), "-U", "welkin", "-c",
                    "UPDATE welkin.shard SET epoch = epoch + 1", "welkin")
        try:
            refused = node.create("order-2")
            check(refused.json["code"] == "shard_moved", refused)
            check(node.serve.wait(20) == ENDED, "it ends by itself")
        except ConnectionError:
            check(node.serve.wait(20) == ENDED, "it ends by itself")
        node.serve = None
        log = log_of(node)
        check(log.count("must not go on") == 1 and "fenced" in log, log)
        node.start_serve()
        wait_until(lambda: node.create("order-2").status == 201, "the next start serves", 30)


run([("a second node is refused beside a live one, and follows a stopped or killed one", second_is_refused),
     ("a fenced node says so once and ends with a code of its own", fenced_ends)])
