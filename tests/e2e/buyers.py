"""Well-behaved clients that create payments at a steady pace and keep the time each answer took."""

import threading
import time

from node import TEST_KEY
from wire import Unanswered, Wire


class Buyers:
    def __init__(self, port, name, count=8, pace_s=0.02, keyed=False):
        self.keyed = keyed  # an Idempotency-Key with each
        self.latencies_ms, self.errors = [], []
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.buy, args=(port, f"{name}-{number}", pace_s), daemon=True)
                        for number in range(count)]
        for thread in self.threads:
            thread.start()

    def buy(self, port, name, pace_s):
        wire, number = Wire(port), 0
        headers = [("Authorization", f"Bearer {TEST_KEY}")]
        while not self.stopping.wait(pace_s):
            number += 1
            body = {"merchant_order_no": f"{name}-{number}", "amount": 1000, "currency": "CNY",
                    "channel": "sandbox", "subject": "Green tea"}
            keys = [("Idempotency-Key", f"{name}-{number}")] if self.keyed else []
            started = time.perf_counter()
            try:
                answer = wire.exchange("POST", "/v1/payments", body, headers + keys)
            except Unanswered as error:
                self.errors.append(error)
                continue
            self.latencies_ms.append(1000 * (time.perf_counter() - started))
            if answer.status != 201:
                self.errors.append(answer)
        wire.close()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)
        return self

    def percentile_ms(self, part):
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
