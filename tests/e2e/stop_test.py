"""SIGTERM under load, fifty times: what was begun is finished and told whole, and then the node ends."""

import random
import signal
import time

from node import Node, check, run
from shop import Shops, audit, seed_of_run

STOPS = 50
# Every fifth call of the channel takes long enough to be on its way when the signal comes, and some
# outlast the channel's time-out of one second.
SLOW = ["--refund-after-ms", "30", "--control",
        '{"delay_rate":0.2,"delay_ms":150,"timeout_after_work_rate":0.003,"hold_ms":1500}']


def stopped_under_load(welkin):
    seed = seed_of_run()
    draw = random.Random(seed)
    spent_s = []
    with Node(welkin, sandbox_options=SLOW) as node:
        shops = Shops(node, "shop", seed, count=8)
        for _ in range(STOPS):
            shops.wait_for_answers(20)
            time.sleep(draw.uniform(0, 0.2))  # not a wait: the random moment
            started = time.monotonic()
            code = node.stop_serve(signal.SIGTERM)
            spent_s.append(time.monotonic() - started)
            check(code == 0 and spent_s[-1] < 10, (code, spent_s[-1]))
            node.start_serve()
            check(not shops.wrong(), shops.wrong()[:5])
        shops.stop()
        check(shops.count("partial") == 0, f"{shops.count('partial')} answers came in part")
        check(shops.count("none") > STOPS, "the stops met open connections")
        streams = audit(node, [shops], seed=seed)

        # Stronger than the promise to a client: what a clean stop leaves unanswered it has not begun.
        numbers = {stream.payloads[0]["merchant_order_no"] for stream in streams.values()}
        unheard = [order.number for order in shops.orders() if order.unheard]
        done = shops.count("done_unheard") + len(numbers.intersection(unheard))
        begun = sorted(numbers.intersection(unheard))
        check(unheard and done == 0,
              f"{done} requests were carried out and not answered, of them creates: {begun}")
        print(f"     {STOPS} stops, the longest {max(spent_s):.2f} s, {len(streams)} payments, "
              f"{shops.count('answered')} answers, {shops.count('none')} requests without one", flush=True)


run([("SIGTERM under load ends within 10 s, and no request is half answered", stopped_under_load)])
