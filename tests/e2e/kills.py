"""kill -9 at random moments under load, on one journal, and at the end an audit of every word that was given."""

import random
import signal
import time

from node import Node, check
from shop import Shops, audit, seed_of_run

# Small segments, early passivation and frequent snapshots: so a kill also meets a segment that is being
# sealed, a payment that is being recovered and a snapshot that is being written.
RUNTIME = """
[runtime]
passivate_after_ms = 200
snapshot_every_events = 3
"""
REPEATING = ["--refund-after-ms", "30", "--control", '{"callback_duplicate_rate":0.3}']


def killed_under_load(welkin, kills, store_url=None):
    seed = seed_of_run()
    draw = random.Random(seed)
    with Node(welkin, store_url=store_url, sandbox_options=REPEATING, config_extra=RUNTIME,
              environment={"WELKIN_STORE_SEGMENT_ROWS": "2000"}) as node:
        shops = Shops(node, "shop", seed, count=5)
        killed_at_start = 0
        for _ in range(kills):
            shops.wait_for_answers(20)
            time.sleep(draw.uniform(0, 0.4))  # not a wait: the random moment
            node.stop_serve(signal.SIGKILL)
            if draw.random() < 0.3:
                # And now and then before it is ready, while it still reads what the last one left.
                node.start_serve(wait_ready=False)
                time.sleep(draw.uniform(0, 0.06))
                node.stop_serve(signal.SIGKILL)
                killed_at_start += 1
            node.start_serve()
            check(not shops.wrong(), shops.wrong()[:5])
        shops.wait_for_answers(20)
        shops.stop()
        streams = audit(node, [shops], seed=seed)

        repeated = node.control("GET", "/stats").json
        check(repeated["callbacks_delivered"] + repeated["callbacks_refused"] > 1.2 * repeated["paid"], repeated)
        left = [order for order in shops.orders() if order.first is None]
        check(len(left) > kills / 5, "the kills broke requests off")
        print(f"     {kills} kills under load, {killed_at_start} at start, {len(streams)} payments, "
              f"{shops.count('answered')} answers, {shops.count('none')} requests without one, "
              f"{len(left)} creations never acknowledged, {repeated}", flush=True)
