"""Real processes for the end-to-end tests: a gateway and a sandbox, their files in a folder of their own.

Standard library only. Every wait has a deadline and watches a fact, never the clock alone."""

import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

TEST_KEY = "test-only-key-of-m_test"
OTHER_KEY = "test-only-key-of-m_other"
OPERATOR_KEY = "test-only-operator-key"
SECRET = "test-only-sandbox-secret"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until(fact, what, timeout_s=20.0):
    deadline = time.monotonic() + timeout_s
    while True:
        value = fact()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s} s: {what}")
        time.sleep(0.02)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:400]!r}"


def call(port, method, path, body=None, headers=None, timeout_s=30):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        data = None if body is None else (body if isinstance(body, bytes) else json.dumps(body).encode())
        sent = dict(headers or {})
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        elif method in ("POST", "PUT"):
            data = b""
        connection.request(method, path, data, sent)
        response = connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()


class Node:
    """One gateway with its journal, and the sandbox it pays through."""

    def __init__(self, welkin, store_url=None, sandbox_options=(), config_extra="", environment=None):
        self.welkin = welkin
        self.folder = tempfile.mkdtemp(prefix="welkin-e2e-")
        self.port, self.sandbox_port = free_port(), free_port()
        self.store_url = store_url or f"sqlite:{self.folder}/journal"
        self.sandbox_options = list(sandbox_options)
        self.config_extra = config_extra
        self.environment = {**os.environ, **(environment or {})}
        self.serve = self.sandbox = None
        self.write_config()

    def write_config(self):
        digest = lambda key: hashlib.sha256(key.encode()).hexdigest()
        with open(f"{self.folder}/welkin.toml", "w", encoding="utf-8") as file:
            file.write(f"""
[store]
url = "{self.store_url}"
[http]
port = {self.port}
[operator]
key_sha256 = "{digest(OPERATOR_KEY)}"
[[merchant]]
id = "m_test"
name = "Test"
api_key_sha256 = ["{digest(TEST_KEY)}"]
[[merchant]]
id = "m_other"
name = "Other"
api_key_sha256 = ["{digest(OTHER_KEY)}"]
{self.channel_config()}
{self.config_extra}
""")

    def channel_config(self):
        return f"""[channel.sandbox]
base_url = "http://127.0.0.1:{self.sandbox_port}"
secret = "{SECRET}"
notify_url = "http://127.0.0.1:{self.port}/channels/sandbox/notify"
timeout_ms = 1000"""

    def __enter__(self):
        try:
            self.start_sandbox()
            self.start_serve()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            for name in ("serve.log", "sandbox.log"):
                path = f"{self.folder}/{name}"
                if os.path.exists(path):
                    with open(path, encoding="utf-8", errors="replace") as file:
                        print(f"--- {name}\n{file.read()[-4000:]}")
        self.close()

    def spawn(self, arguments, log):
        with open(f"{self.folder}/{log}", "ab") as output:
            return subprocess.Popen([self.welkin, *arguments], stdout=output, stderr=output, env=self.environment)

    def start_sandbox(self):
        self.sandbox = self.spawn(
            ["sandbox", "--port", str(self.sandbox_port), "--secret", SECRET, "--notify-url",
             f"http://127.0.0.1:{self.port}/channels/sandbox/notify", "--auto-pay-ms", "50",
             *self.sandbox_options], "sandbox.log")
        wait_until(lambda: self.answers(self.sandbox_port, "/sandbox/control/stats"), "the sandbox answers")

    def start_serve(self, wait_ready=True):
        self.serve = self.spawn(["serve", "--config", f"{self.folder}/welkin.toml"], "serve.log")
        if wait_ready:
            wait_until(lambda: self.answers(self.port, "/readyz"), "the gateway is ready", 30)

    def answers(self, port, path):
        for process in (self.serve, self.sandbox):
            if process is not None and process.poll() not in (None, 0):
                raise AssertionError(f"a process ended with {process.returncode}")
        try:
            return call(port, "GET", path, timeout_s=2).status == 200
        except OSError:
            return False

    def stop_serve(self, how=signal.SIGTERM, timeout_s=15):
        self.serve.send_signal(how)
        code = self.serve.wait(timeout_s)
        self.serve = None
        return code

    def close(self):
        for process in (self.serve, self.sandbox):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()
        self.serve = self.sandbox = None
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- what a client does

    def request(self, method, path, body=None, key=TEST_KEY, **headers):
        sent = {"Authorization": f"Bearer {key}"} if key else {}
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        return call(self.port, method, path, body, sent)

    def create(self, order_no, amount=1000, key=TEST_KEY, headers=None, **fields):
        body = {"merchant_order_no": order_no, "amount": amount, "currency": "CNY", "channel": "sandbox",
                "subject": "Green tea", **fields}
        return self.request("POST", "/v1/payments", body, key, **(headers or {}))

    def payment(self, payment_id):
        answer = self.request("GET", f"/v1/payments/{payment_id}")
        assert answer.status == 200, answer
        return answer.json

    def wait_status(self, payment_id, status, timeout_s=20):
        last = {}

        def reached():
            last.update(self.payment(payment_id))
            return last["status"] == status

        try:
            wait_until(reached, status, timeout_s)
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {last}") from None
        return last

    def refund(self, payment_id, refund_no, amount, reason="changed their mind", **headers):
        return self.request("POST", f"/v1/payments/{payment_id}/refunds",
                            {"merchant_refund_no": refund_no, "amount": amount, "reason": reason}, **headers)

    def event_types(self, payment_id):
        answer = self.request("GET", f"/v1/payments/{payment_id}/events")
        assert answer.status == 200, answer
        return [event["type"] for event in answer.json["items"]]

    def control(self, method, path, body=None):
        answer = call(self.sandbox_port, method, f"/sandbox/control{path}", body)
        assert answer.status < 300, answer
        return answer

    def journal(self, *arguments):
        return subprocess.run([self.welkin, "journal", *arguments, "--db", self.store_url],
                              capture_output=True, text=True, timeout=120, check=False)


def check(condition, what):
    if not condition:
        raise AssertionError(what)


class Skip(Exception):
    """This machine does not let the test do what it takes. A file with such a test has no other, so that ctest can
    show it as skipped."""


SKIPPED = 77


def run(tests):
    """Runs each (claim, function) with the executable given on the command line."""
    welkin = sys.argv[1]
    for claim, test in tests:
        started = time.monotonic()
        try:
            test(welkin)
        except Skip as why:
            print(f"skip {claim}: {why}", flush=True)
            sys.exit(SKIPPED)
        print(f"ok   {claim} ({time.monotonic() - started:.1f} s)", flush=True)
