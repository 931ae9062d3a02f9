"""200 hostile clients connected to a real gateway while others create payments: how long do those wait?

    bench_hostile.py WELKIN [SECONDS]    20 unless told otherwise, after a quarter of that without the crowd

Slow, half-open, silent, pipelined, oversized, chunked and header-flooding clients in equal parts; each comes
back as soon as it is turned away, and waits 0.2 s before it begins anew. 8 clients create, each 20 ms after its last answer."""

import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "e2e"))

from buyers import Buyers  # pylint: disable=wrong-import-position
from hostile import Crowd  # pylint: disable=wrong-import-position
from node import Node, wait_until  # pylint: disable=wrong-import-position

HOSTILE = 200


def bench(welkin, seconds):
    with Node(welkin) as node:
        warm = Buyers(node.port, "warm")
        time.sleep(2)
        warm.stop()
        alone = Buyers(node.port, "alone")
        time.sleep(max(1, seconds // 4))
        alone.stop()
        with Crowd(node.port, HOSTILE) as hostile:
            wait_until(lambda: hostile.connected.value >= 0.75 * HOSTILE, "the crowd is there")
            buyers, connected, until_s = Buyers(node.port, "among"), [], time.monotonic() + seconds
            while time.monotonic() < until_s:
                time.sleep(0.1)
                connected.append(hostile.connected.value)
            buyers.stop()
            tally = hostile.tally()
    wrong = {kind: seen for kind, seen in tally.items() if set(seen) - {Crowd.expected[kind]}}
    figures = {
        "p50_ms": round(buyers.percentile_ms(0.5), 2),
        "p99_ms": round(buyers.percentile_ms(0.99), 2),
        "p99_alone_ms": round(alone.percentile_ms(0.99), 2),
        "errors": len(buyers.errors),
        "creates_per_s": round(len(buyers.latencies_ms) / seconds, 1),
        "hostile_connected": sorted(connected)[len(connected) // 2],
        "hostile_visits": sum(sum(seen.values()) for seen in tally.values()),
        "hostile_wrongly_answered": sum(sum(seen.values()) for seen in wrong.values()),
    }
    print("Creates among hostile clients")
    for name, value in figures.items():
        print(f"{name:>25} {value}")
    for kind, seen in tally.items():
        print(f"{kind:>25} {seen}")
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    bench(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 20)
