"""The same node on PostgreSQL: a private server, a payment's life, a restart of the database under it."""

from node import Node, check, run, wait_until
from private_postgres import PrivatePostgres


def life(welkin):
    with PrivatePostgres() as postgres, Node(welkin, store_url=postgres.url) as node:
        payment = node.create("order-1", 1000, headers={"Idempotency_Key": "key-1"}).json
        node.wait_status(payment["id"], "PAID")
        node.refund(payment["id"], "refund-1", 400)
        node.wait_status(payment["id"], "PARTIALLY_REFUNDED")
        check(node.journal("verify").returncode == 0, "the journal verifies")
        shown = node.journal("show", payment["id"])
        check("payment_refund_succeeded" in shown.stdout, shown)

        postgres.stop()
        refused = wait_until(lambda: (lambda a: a if a.status == 503 else None)(node.create("during")),
                             "creates are refused", 30)
        check(refused.json["code"] in ("store_unavailable", "outcome_unknown"), refused)
        postgres.start()
        wait_until(lambda: node.request("GET", "/readyz", key=None).status == 200, "ready again", 30)
        after = wait_until(lambda: (lambda a: a if a.status == 201 else None)(node.create("after")),
                           "creates are taken", 30)
        node.wait_status(after.json["id"], "PAID", 40)

        check(node.stop_serve() == 0, "a clean exit")
        node.start_serve()
        again = node.create("order-1", 1000, headers={"Idempotency_Key": "key-1"})
        check(again.status == 201 and again.json == payment, (payment, again))
        check(node.journal("verify").returncode == 0, "the journal verifies")


run([("a payment lives on PostgreSQL, which is restarted under the node", life)])
