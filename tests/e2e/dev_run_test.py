"""./dev run --once as a newcomer runs it, then the journal's tools on what it left behind.

Usage: dev_run_test.py WELKIN
"""

import json
import os
import pathlib
import socket
import sqlite3
import subprocess
import sys
import tempfile
import unittest

WELKIN = sys.argv.pop(1)
ROOT = pathlib.Path(__file__).resolve().parents[2]


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class DevRun(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.port, cls.sandbox_port = free_ports(2)
        cls.first = cls.dev_run()

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def dev_run(cls, **overrides):
        environment = {**os.environ, "WELKIN_BIN": WELKIN, "WELKIN_SKIP_DEPS": "1",
                       "WELKIN_RUN_DIR": cls.folder.name, "WELKIN_PORT": str(cls.port),
                       "WELKIN_SANDBOX_PORT": str(cls.sandbox_port), **overrides}
        return subprocess.run([str(ROOT / "dev"), "run", "--once"], env=environment, cwd="/",
                              capture_output=True, encoding="utf-8", timeout=120)

    def journal(self, *arguments, db=None):
        url = "sqlite:" + (db or self.folder.name + "/journal")
        return subprocess.run([WELKIN, "journal", *arguments, "--db", url],
                              capture_output=True, encoding="utf-8", timeout=60)

    def test_1_the_demonstration_ends_as_expected(self):
        self.assertEqual(0, self.first.returncode, self.first.stdout + self.first.stderr)
        for expected in ('"status":"PAYING"', '"status":"PAID"', '"status":"PARTIALLY_REFUNDED"',
                         "payment_refund_succeeded", "Good: "):
            self.assertIn(expected, self.first.stdout)

    def test_2_it_can_be_run_again_on_the_same_journal(self):
        again = self.dev_run()
        self.assertEqual(0, again.returncode, again.stdout + again.stderr)
        listed = json.loads(self.journal("list", "--json").stdout)
        self.assertEqual(["PARTIALLY_REFUNDED"] * 2, [p["state"] for p in listed["payments"]])

    def test_3_a_taken_port_is_refused_by_its_name(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            result = self.dev_run(WELKIN_SANDBOX_PORT=str(port))
        self.assertEqual(1, result.returncode)
        self.assertIn(f"port {port} is taken: free it, or set WELKIN_SANDBOX_PORT", result.stderr)

    def test_4_the_timeline_says_what_happened(self):
        listed = json.loads(self.journal("list", "--json", "--limit", "1").stdout)
        payment = listed["payments"][0]
        shown = json.loads(self.journal("show", "m_test/" + payment["merchant_order_no"], "--json").stdout)
        self.assertEqual(payment["payment_id"], shown["stream"])
        self.assertTrue(shown["sound"])
        self.assertEqual(["CREATED", "PAYING"], [e["state_after"] for e in shown["events"][:2]])
        self.assertEqual("PARTIALLY_REFUNDED", shown["events"][-1]["state_after"])

    def test_5_the_export_says_all_and_the_database_cannot_be_changed_unnoticed(self):
        exported = [json.loads(line) for line in self.journal("export").stdout.splitlines()]
        self.assertEqual(list(range(1, len(exported) + 1)), [row["position"] for row in exported])
        segment = sqlite3.connect(self.folder.name + "/journal/segment-000001.db")
        with segment:
            segment.execute("UPDATE events SET payload = replace(payload, '1999', '1998') "
                            "WHERE position = 4")
        segment.close()
        result = self.journal("verify", "--json")
        self.assertEqual(1, result.returncode, result.stdout + result.stderr)
        fault = json.loads(result.stdout)["fault"]
        self.assertEqual((4, exported[3]["stream"], exported[3]["seq"]),
                         (fault["position"], fault["stream"], fault["seq"]))

    def test_6_wrong_use_has_its_own_exit_codes(self):
        self.assertEqual(2, self.journal("show", "nonsense").returncode)
        self.assertEqual(1, self.journal("show", "m_test/none").returncode)
        self.assertEqual(3, self.journal("stats", db=self.folder.name + "/nowhere").returncode)
        self.assertEqual(2, subprocess.run([WELKIN], capture_output=True).returncode)


if __name__ == "__main__":
    unittest.main()
