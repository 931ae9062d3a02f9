"""Clients that do nothing but read, as fast as they are answered, keep nobody from paying."""

from buyers import Buyers
from node import Node, check, run, wait_until
from pollers import Pollers

# A create takes some milliseconds here, and took a hundred times that when lists held the threads of keys.
BOUND_MS = 2000


def buy_beside(node, name, path, key_less=False):
    with Pollers(node.port, path, 16, **({"key": None} if key_less else {})) as pollers:
        wait_until(lambda: pollers.good.value + pollers.other.value >= 16, "they are answered")
        buyers = Buyers(node.port, name, count=4, keyed=True)
        wait_until(lambda: len(buyers.latencies_ms) >= 400 or buyers.errors, "400 creates meanwhile", 60)
        check(node.request("GET", "/healthz", key=None).status == 200, "it is well")
        check(node.request("GET", "/readyz", key=None).status == 200, "it is ready")
        buyers.stop()
        answered = (pollers.good.value, pollers.other.value)
    check(not buyers.errors, buyers.errors[:3])
    check(buyers.percentile_ms(0.5) < BOUND_MS, f"half of the creates took {buyers.percentile_ms(0.5)} ms")
    print(f"     {path}: {answered} answered, p50 {buyers.percentile_ms(0.5):.1f} ms", flush=True)
    return answered


def readers(welkin):
    with Node(welkin) as node:
        for number in range(100):
            check(node.create(f"listed-{number}").status == 201, "a payment to list")
        good, other = buy_beside(node, "among-lists", "/v1/payments?limit=100")
        check(good > 0 and other == 0, "lists are answered too")
        check(buy_beside(node, "among-strays", "/nowhere", key_less=True)[0] == 0, "a path that is none")
        check(buy_beside(node, "among-metrics", "/metrics", key_less=True)[1] == 0, "metrics are answered too")
        check(node.stop_serve() == 0, "a clean exit")


run([("creates with keys go on beside clients that only read", readers)])
