"""./dev run as a newcomer runs it, with --once and without, then the journal's tools on what it left behind.

Usage: dev_run_test.py WELKIN
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
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
    def environment(cls, **overrides):
        return {**os.environ, "WELKIN_BIN": WELKIN, "WELKIN_SKIP_DEPS": "1",
                "WELKIN_RUN_DIR": cls.folder.name, "WELKIN_PORT": str(cls.port),
                "WELKIN_SANDBOX_PORT": str(cls.sandbox_port), **overrides}

    @classmethod
    def dev_run(cls, **overrides):
        return subprocess.run([str(ROOT / "dev"), "run", "--once"], env=cls.environment(**overrides), cwd="/",
                              capture_output=True, encoding="utf-8", timeout=120)

    def text_up_to(self, stream, last_words):
        """What it prints until a line begins with the last words; a watchdog ends it when it does not."""
        lines = []
        for line in stream:
            lines.append(line)
            if line.startswith(last_words):
                return "".join(lines)
        self.fail("it ended before that: " + "".join(lines))

    def journal(self, *arguments, db=None):
        url = "sqlite:" + (db or self.folder.name + "/journal")
        return subprocess.run([WELKIN, "journal", *arguments, "--db", url],
                              capture_output=True, encoding="utf-8", timeout=60)

    def test_1_the_demonstration_ends_as_expected(self):
        self.assertEqual(0, self.first.returncode, self.first.stdout + self.first.stderr)
        for expected in ('"status":"PAYING"', '"status":"PAID"', '"status":"PARTIALLY_REFUNDED"',
                         "payment_refund_succeeded", "Good: "):
            self.assertIn(expected, self.first.stdout)

    def test_2_without_once_it_serves_until_ctrl_c_on_the_same_journal(self):
        again = subprocess.Popen([str(ROOT / "dev"), "run"], env=self.environment(), cwd="/", start_new_session=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
        watchdog = threading.Timer(120, os.killpg, (again.pid, signal.SIGKILL))
        watchdog.start()
        try:
            said = self.text_up_to(again.stdout, f"{WELKIN} journal tail")
            key = pathlib.Path(self.folder.name, "test-merchant-key").read_text(encoding="utf-8").strip()
            self.assertIn(f"The test merchant's key (for tests only): {key}\n", said)
            # The examples, as they are pasted; but the last, which follows the journal until Ctrl-C.
            examples = said[said.index("\nKEY="):].rsplit("\n", 2)[0]
            pasted = subprocess.run(["bash", "-e", "-o", "pipefail", "-c", examples], capture_output=True,
                                    encoding="utf-8", timeout=60)
            self.assertEqual(0, pasted.returncode, pasted.stderr)
            for expected in ('"merchant_order_no": "order-1"', '"merchant_order_no": "order-2"',
                             '"channel": "wechat_pay"', '"payment_refund_succeeded"'):
                self.assertIn(expected, pasted.stdout)
            self.assertNotIn('"urn:welkin:problem', pasted.stdout)
            os.killpg(again.pid, signal.SIGINT)  # as a terminal does
            rest = again.stdout.read()
            self.assertEqual(0, again.wait(60), rest)
        finally:
            watchdog.cancel()
            again.stdout.close()
        for port in (self.port, self.sandbox_port):
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), timeout=5)
        # Both demonstrations, whatever has become of the examples.
        listed = json.loads(self.journal("list", "--json", "--state", "PARTIALLY_REFUNDED").stdout)
        self.assertEqual(2, len(listed["payments"]))

    def test_3_a_taken_port_is_refused_by_its_name(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            result = self.dev_run(WELKIN_SANDBOX_PORT=str(port))
        self.assertEqual(1, result.returncode)
        self.assertIn(f"port {port} is taken: free it, or set WELKIN_SANDBOX_PORT", result.stderr)

    def test_4_the_timeline_says_what_happened(self):
        listed = json.loads(self.journal("list", "--json", "--state", "PARTIALLY_REFUNDED", "--limit", "1").stdout)
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

    def test_6_dev_begins_nothing_it_was_not_asked_for(self):
        def dev(*arguments):
            return subprocess.run([str(ROOT / "dev"), *arguments], env=self.environment(), cwd="/",
                                  capture_output=True, encoding="utf-8", timeout=20)

        usage = dev("--help")
        self.assertEqual(0, usage.returncode)
        for command in ("run", "build", "fuzz", "lint", "format", "deps", "clean"):
            self.assertIn(f"  {command} ", usage.stdout)
            self.assertEqual((0, usage.stdout), (dev(command, "--help").returncode, dev(command, "-h").stdout))
        self.assertEqual(2, dev("lnit").returncode)
        for command in ("run", "lint"):
            refused = dev(command, "--nonsense")
            self.assertEqual((1, ""), (refused.returncode, refused.stdout))
            self.assertIn(f"{command} takes --", refused.stderr)

    def test_7_bench_lists_the_programs_beside_it_and_becomes_the_one_that_is_named(self):
        def bench(program, *arguments):
            return subprocess.run([program, "bench", *arguments], capture_output=True, encoding="utf-8", timeout=60)

        built = bench(WELKIN)
        self.assertEqual(0, built.returncode, built.stderr)
        here = {path.name[len("bench_"):] for path in pathlib.Path(WELKIN).parent.glob("bench_*")}
        self.assertEqual(here, {line.split()[0] for line in built.stdout.splitlines()})
        self.assertTrue(all(len(line.split()) > 2 for line in built.stdout.splitlines()), built.stdout)

        alone = pathlib.Path(self.folder.name, "bin", "welkin")
        alone.parent.mkdir()
        shutil.copy2(WELKIN, alone)
        missing = bench(alone)
        self.assertEqual((1, ""), (missing.returncode, missing.stdout))
        self.assertIn("./dev bench NAME", missing.stderr)
        missing = bench(alone, "latency")
        self.assertEqual(1, missing.returncode)
        self.assertIn(f"{alone.parent}/bench_latency: No such file", missing.stderr)
        self.assertIn("./dev bench NAME", missing.stderr)
        for unknown in ("chaos", "../latency", ""):
            refused = bench(alone, unknown)
            self.assertEqual(2, refused.returncode, refused)
            self.assertIn("latency", refused.stderr)

        stand_in = alone.parent / "bench_latency"
        stand_in.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"; exit 7\n", encoding="utf-8")
        stand_in.chmod(0o755)
        self.assertIn("latency ", bench(alone).stdout)
        became = bench(alone, "latency", "500", "--help", "two words", "--", "-x")
        self.assertEqual((7, "500\n--help\ntwo words\n--\n-x\n"), (became.returncode, became.stdout))
        helped = bench(alone, "--help")
        self.assertEqual(0, helped.returncode)
        self.assertIn("welkin bench NAME", helped.stdout)


if __name__ == "__main__":
    unittest.main()
