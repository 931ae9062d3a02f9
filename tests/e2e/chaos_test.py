"""The small form of ./dev bench chaos: a bad route beside a good one, and every order is paid, once."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench"))

from bench_chaos import chaos, faults_of  # pylint: disable=wrong-import-position
from node import check, run  # pylint: disable=wrong-import-position

PAYMENTS = 400


def bad_figures_are_faults(_):
    good = {"success_rate": 0.9995, "double_charges_unrefunded": 0, "sum_difference": 0}
    check(faults_of(good) == [], "the least that is asked for")
    for name, value in [("success_rate", 0.9994), ("double_charges_unrefunded", 1), ("sum_difference", -1),
                        ("sum_difference", 1)]:
        faults = faults_of({**good, name: value})
        check(len(faults) == 1 and faults[0].startswith(name), faults)


def every_order_is_paid_once(welkin):
    figures = chaos(welkin, PAYMENTS, small=True)
    check(faults_of(figures) == [], faults_of(figures))
    check(figures["payments"] == PAYMENTS, "all of them are in the journal")
    # Otherwise nothing was survived.
    for name in ("by_route_a", "by_route_b", "unsettled_once"):
        check(figures[name] > 0, (name, figures))


run([
    ("a payment lost, charged twice or booked wrong fails the run", bad_figures_are_faults),
    ("every order is paid once although a route fails, times out and stands still", every_order_is_paid_once),
])
