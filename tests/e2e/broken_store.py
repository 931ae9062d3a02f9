"""A store that breaks under a node at work, is mended, and is found well again by the node itself."""

from node import check, wait_until
from shop import Shops, audit, seed_of_run

# What a broken store may answer.
STORE_BROKEN = {"store_unavailable", "outcome_unknown"}


def is_ready(node):
    return node.request("GET", "/readyz", key=None).status == 200


def broken_and_mended(node, break_it, mend_it):
    """Under load the store breaks, is refused and said to be broken, is mended, and service resumes by itself."""
    seed = seed_of_run()
    kept = node.create("before").json["id"]
    node.wait_status(kept, "PAID")
    shops = Shops(node, "shop", seed, count=4, pace_s=0.005)
    try:
        shops.wait_for_answers(100)
        check(not shops.refused(), "all is well before")
        break_it()
        wait_until(lambda: len(shops.refused()) >= 20, "commands are refused", 30)
        wait_until(lambda: not is_ready(node), "readiness turns red", 10)
        check(node.request("GET", "/healthz", key=None).status == 200, "it is alive all the same")
        check(node.payment(kept)["status"] == "PAID", "what was acknowledged can be read")
        refused = node.create("during")
        check(refused.status == 503 and refused.json["code"] in STORE_BROKEN, refused)
        check(int(refused.headers["retry-after"]) > 0, refused)
    finally:
        mend_it()
    wait_until(lambda: is_ready(node), "ready again", 30)
    shops.wait_for_answers(100)
    shops.stop()
    codes = {answer.json["code"] for answer in shops.refused()}
    check(codes <= STORE_BROKEN and shops.count("none") == shops.count("partial") == 0, codes)
    again = node.create("during")
    check(again.status == 201, again)
    node.wait_status(again.json["id"], "PAID", 40)
    audit(node, [shops], seed=seed, others={"before", "during"})
    check(node.stop_serve() == 0, "a clean exit")
