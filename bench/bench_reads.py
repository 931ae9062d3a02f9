"""Creates beside clients that do nothing but read: how much longer do they take?

    bench_reads.py WELKIN [SECONDS]    8 for each of the parts unless told otherwise

8 clients create, each 20 ms after its last answer, with and without an Idempotency-Key: alone, beside 16 that
poll a page of 100 payments as fast as they get it, and beside 16 that ask for paths that are none. Health is asked
every 20 ms meanwhile."""

import json
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "e2e"))

from buyers import Buyers  # pylint: disable=wrong-import-position
from node import Node  # pylint: disable=wrong-import-position
from pollers import Pollers  # pylint: disable=wrong-import-position
from wire import Wire  # pylint: disable=wrong-import-position


class Health:
    """Asks whether the node is well, again and again, and keeps how long the answer took."""

    def __init__(self, port):
        self.latencies_ms, self.stopping = [], threading.Event()
        self.thread = threading.Thread(target=self.ask, args=(port,), daemon=True)
        self.thread.start()

    def ask(self, port):
        wire = Wire(port)
        while not self.stopping.wait(0.02):
            started = time.perf_counter()
            wire.exchange("GET", "/healthz", None, [])
            self.latencies_ms.append(1000 * (time.perf_counter() - started))
        wire.close()

    def stop(self):
        self.stopping.set()
        self.thread.join(60)
        return sorted(self.latencies_ms)


def measure(node, name, seconds, figures):
    for keyed in (False, True):
        kind = "keyed" if keyed else "unkeyed"
        health = Health(node.port)
        buyers = Buyers(node.port, f"{name}-{kind}", keyed=keyed)
        time.sleep(seconds)
        buyers.stop()
        asked = health.stop()
        figures[f"{kind}_p50_ms_{name}"] = round(buyers.percentile_ms(0.5), 2)
        figures[f"{kind}_p99_ms_{name}"] = round(buyers.percentile_ms(0.99), 2)
        figures[f"health_p99_ms_{name}_{kind}"] = round(asked[int(0.99 * (len(asked) - 1))], 2)
        figures["errors"] = figures.get("errors", 0) + len(buyers.errors)


def bench(welkin, seconds):
    figures = {}
    with Node(welkin) as node:
        warm = Buyers(node.port, "warm", keyed=True)
        time.sleep(2)
        warm.stop()
        measure(node, "alone", seconds, figures)
        for name, path in (("beside_lists", "/v1/payments?limit=100"), ("beside_404s", "/nowhere")):
            with Pollers(node.port, path) as pollers:
                time.sleep(0.5)
                before = pollers.good.value + pollers.other.value
                measure(node, name, seconds, figures)
                answered = pollers.good.value + pollers.other.value - before
                figures[f"{name[7:]}_per_s"] = round(answered / (2 * seconds))
    for kind in ("unkeyed", "keyed"):
        figures[f"{kind}_p50_ratio"] = round(figures[f"{kind}_p50_ms_beside_lists"] / figures[f"{kind}_p50_ms_alone"], 2)
    print("Creates beside readers")
    for name, value in figures.items():
        print(f"{name:>36} {value}")
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    bench(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 8)
