"""Mixed load on a real gateway and a real sandbox for a long while: does anything grow that should not?

    bench_soak.py WELKIN [SECONDS]    600 unless told otherwise, after half as long to warm up

Shops create, look, refund, list, close and read events at a steady, moderate rate, for this measures memory
and not speed. The warm-up goes as fast as it can first, to fill what has a bound: the page cache of the views
(64 MiB) above all. Segments are small and payments leave memory soon, so that all that comes and goes does so
many times. Growth is the median of the last fifth of the time against that of the first."""

import json
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "e2e"))

from node import Node, check  # pylint: disable=wrong-import-position
from shop import Shops, seed_of_run  # pylint: disable=wrong-import-position

SHOPS, PACE_S = 8, 0.02
BRIEF = {"expires_in_s": 30}  # what nobody pays or closes is open work, and that would grow for half an hour
ENVIRONMENT = {"WELKIN_STORE_SEGMENT_ROWS": "50000", "WELKIN_RUNTIME_PASSIVATE_AFTER_MS": "10000"}


class Sample:
    def __init__(self, process, answered):
        self.at_s, self.answered = time.monotonic(), answered
        with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
            lines = dict(line.split(":", 1) for line in file.read().splitlines())
        self.rss_kib = int(lines["VmRSS"].split()[0])
        self.threads = int(lines["Threads"])
        self.fds = len(os.listdir(f"/proc/{process.pid}/fd"))

    def text(self):
        return f"{self.rss_kib / 1024:8.1f} {self.fds:5d} {self.threads:8d} {self.answered:9d}"


def median(samples, name):
    return statistics.median(getattr(sample, name) for sample in samples)


def watch(node, shops, seconds):
    """A sample a second; a line for people ten times in all."""
    samples, until_s = [], time.monotonic() + seconds
    while time.monotonic() < until_s:
        time.sleep(1)
        check(node.serve.poll() is None, "the gateway ended")
        samples.append(Sample(node.serve, shops.answered()))
        if len(samples) % max(1, seconds // 10) == 0:
            print(f"{len(samples):6d} {samples[-1].text()} {Sample(node.sandbox, 0).rss_kib / 1024:11.1f}", flush=True)
    return samples


def soak(welkin, seconds):
    seed = seed_of_run()
    with Node(welkin, sandbox_options=["--refund-after-ms", "50"], environment=ENVIRONMENT) as node:
        print("     s  RSS MiB   fds  threads   answers sandbox MiB")
        fast = Shops(node, "fast", seed, count=SHOPS, extra=BRIEF)
        watch(node, fast, max(1, seconds // 3))
        check(not fast.stop().wrong(), fast.wrong()[:5])
        shops = Shops(node, "soak", seed, count=SHOPS, pace_s=PACE_S, extra=BRIEF)
        print("  slow", flush=True)
        watch(node, shops, max(1, seconds // 6))
        print("  warm", flush=True)
        samples = watch(node, shops, seconds)
        shops.stop()
        check(not shops.wrong(), shops.wrong()[:5])
        check(node.stop_serve() == 0, "a clean exit")
        check(node.journal("verify").returncode == 0, "the journal verifies")
        segments = len([name for name in os.listdir(f"{node.folder}/journal")
                        if name.startswith("segment-") and name.endswith(".db")])

    fifth = max(1, len(samples) // 5)
    first, last = samples[:fifth], samples[-fifth:]
    rss_first, rss_last = median(first, "rss_kib"), median(last, "rss_kib")
    figures = {
        "rss_growth_pct": round(100 * (rss_last - rss_first) / rss_first, 2),
        "fd_growth": max(s.fds for s in last) - max(s.fds for s in first),
        "threads": last[-1].threads,
        "thread_growth": max(s.threads for s in last) - max(s.threads for s in first),
        "rss_mib": round(rss_last / 1024, 1),
        "rss_max_mib": round(max(s.rss_kib for s in samples) / 1024, 1),
        "seconds": seconds,
        "requests_per_s": round((last[-1].answered - first[0].answered) / (last[-1].at_s - first[0].at_s), 1),
        "errors": shops.count("none") + shops.count("partial") + len(shops.refused()),
        "payments": len(fast.orders()) + len(shops.orders()),
        "segments": segments,
    }
    for name, value in figures.items():
        print(f"{name:>16} {value}")
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    soak(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 600)
