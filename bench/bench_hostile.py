"""Hostile clients on a real gateway while others create payments: how long do those wait?

    bench_hostile.py WELKIN [SECONDS]    20 unless told otherwise, after a quarter of that without anybody hostile

First 200 slow, half-open, silent, pipelined, oversized, chunked and header-flooding clients in equal parts; each comes
back as soon as it is turned away, and waits 0.2 s before it begins anew. Then, for a quarter of the time each, one visitor at
full bandwidth of each kind: empty lines, bytes of a header, whole requests, bodies of a byte, and requests whose answers it
never reads. It is a process of its own that is not paced: on two cores it takes as much of one as it is let. 8 clients create,
each 20 ms after its last answer, and one asks for /healthz as fast as it is answered."""

import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "e2e"))

from buyers import Buyers  # pylint: disable=wrong-import-position
from hostile import Crowd, Flood  # pylint: disable=wrong-import-position
from node import Node, wait_until  # pylint: disable=wrong-import-position
from wire import Wire  # pylint: disable=wrong-import-position

HOSTILE = 200


class Felt:
    """What others feel for a while: creates, and /healthz on one kept connection."""

    def __init__(self, port, name, seconds):
        buyers, wire, self.health_ms = Buyers(port, name), Wire(port), []
        started, until = time.monotonic(), time.monotonic() + seconds
        while time.monotonic() < until:
            asked = time.perf_counter()
            assert wire.exchange("GET", "/healthz").status == 200
            self.health_ms.append(1000 * (time.perf_counter() - asked))
            time.sleep(0.005)
        buyers.stop()
        wire.close()
        self.creates_per_s = len(buyers.latencies_ms) / (time.monotonic() - started)
        self.p99_ms, self.errors = buyers.percentile_ms(0.99), len(buyers.errors)

    @property
    def health_p99_ms(self):
        return sorted(self.health_ms)[int(0.99 * len(self.health_ms))]


def beside_floods(port, seconds):
    """{kind_…: figure} for a flood of each kind; each is held against what was felt just before it, alone."""
    figures = {}
    for kind in Flood.kinds:
        alone = Felt(port, f"before-{kind}", seconds)
        with Flood(port, kind) as flood:
            wait_until(lambda: flood.sent_bytes.value > 1_000_000, f"a flood of {kind}")
            sent_before = flood.sent_bytes.value
            beside = Felt(port, f"beside-{kind}", seconds)
            sent_mb = (flood.sent_bytes.value - sent_before) / 1e6
            figures.update({
                f"{kind}_p99_ms": round(beside.p99_ms, 2),
                f"{kind}_health_p99_ms": round(beside.health_p99_ms, 2),
                f"{kind}_throughput_ratio": round(beside.creates_per_s / alone.creates_per_s, 3),
                f"{kind}_errors": beside.errors,
                f"{kind}_mb_per_s": round(sent_mb / seconds, 1),
                f"{kind}_cut_off": flood.cut_off.value,
            })
    return figures


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
        floods = beside_floods(node.port, max(2, seconds // 4))
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
        **floods,
    }
    print("Creates among hostile clients")
    for name, value in figures.items():
        print(f"{name:>32} {value}")
    for kind, seen in tally.items():
        print(f"{kind:>32} {seen}")
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    bench(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 20)
