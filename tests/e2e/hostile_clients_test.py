"""Two hundred hostile clients at once: each kind gets what it deserves, and nobody else is hurt."""

from buyers import Buyers
from hostile import Crowd, Flood
from node import Node, call, check, run, wait_until

# Short, so that slow clients meet their deadline several times within the test.
DEADLINE_MS = 1000
# Beside a flood on a busy machine. The benchmark measures; this tells a wait for the flood from a wait for a processor.
NOTICED_MS = 5000


def open_connections(node):
    for line in node.request("GET", "/metrics", key=None).body.decode().splitlines():
        if line.startswith("welkin_http_connections "):
            return int(float(line.split()[1]))
    raise AssertionError("no count of connections")


def crowd(welkin):
    with Node(welkin, environment={"WELKIN_HTTP_REQUEST_DEADLINE_MS": str(DEADLINE_MS)}) as node:
        buyers = Buyers(node.port, "order")
        with Crowd(node.port, 200) as hostile:
            wait_until(lambda: hostile.connected.value >= 150, "the crowd is there")
            wanted = len(buyers.latencies_ms) + 1000
            wait_until(lambda: len(buyers.latencies_ms) >= wanted or buyers.errors, "1000 creates meanwhile", 60)
            tally = hostile.tally()
        buyers.stop()
        for kind, status in Crowd.expected.items():
            check(set(tally[kind]) == {status}, f"{kind} is due {status} and got {tally[kind]}")
        check(not buyers.errors, buyers.errors[:3])
        check(buyers.percentile_ms(0.99) < DEADLINE_MS, "no create waited for a hostile client")
        wait_until(lambda: open_connections(node) <= 20, "their connections are given up", 10)
        check(node.stop_serve() == 0, "a clean exit")
        print(f"     {tally}, p99 {buyers.percentile_ms(0.99):.1f} ms", flush=True)


def flooded(welkin):
    # Each of its own: a flood of one kind must not hide behind another's.
    for kind, (_, _, _, is_cut_off) in Flood.kinds.items():
        with Node(welkin, environment={"WELKIN_HTTP_REQUEST_DEADLINE_MS": str(DEADLINE_MS)}) as node:
            with Flood(node.port, kind) as flood:
                wait_until(lambda: flood.sent_bytes.value > 1_000_000, f"a flood of {kind}")
                buyers = Buyers(node.port, "order")
                healthy = 0
                while healthy < 100:
                    check(call(node.port, "GET", "/healthz", timeout_s=10).status == 200, "the node is alive")
                    healthy += 1
                wait_until(lambda: len(buyers.latencies_ms) >= 200 or buyers.errors, "200 creates meanwhile", 60)
                if is_cut_off:
                    wait_until(lambda: flood.cut_off.value >= 1, f"a flood of {kind} is cut off")
                buyers.stop()
            check(not buyers.errors, buyers.errors[:3])
            check(buyers.percentile_ms(0.99) < NOTICED_MS, f"no create waited for a flood of {kind}")
            check(node.stop_serve() == 0, "a clean exit")
            print(f"     {kind}: {flood.sent_bytes.value >> 20} MiB, cut off {flood.cut_off.value} times, "
                  f"p99 {buyers.percentile_ms(0.99):.1f} ms", flush=True)


run([("hostile clients get what each deserves, and other clients do not notice", crowd),
     ("one client at full bandwidth, whatever it sends, delays nobody", flooded)])
