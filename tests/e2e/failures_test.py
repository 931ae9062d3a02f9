"""What operators see when things break: kills, restarts, a store that cannot be written."""

import os
import shutil
import socket
import subprocess
import tempfile
import time

from node import Node, check, run, wait_until


def full_disk(welkin):
    mount = tempfile.mkdtemp(prefix="welkin-e2e-disk-")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", mount],
                             capture_output=True, check=False)
    if mounted.returncode != 0:
        os.rmdir(mount)
        print("skip a full disk: no right to mount here", flush=True)
        return
    try:
        with Node(welkin, store_url=f"sqlite:{mount}/journal") as node:
            kept = node.create("before").json["id"]
            node.wait_status(kept, "PAID")
            free = os.statvfs(mount)
            with open(f"{mount}/ballast", "wb") as ballast:
                ballast.write(b"x" * (free.f_bavail * free.f_bsize))
            refused = {}

            def store_refuses():
                answer = node.create(f"during-{time.monotonic_ns()}")
                if answer.status == 503:
                    refused["answer"] = answer
                return answer.status == 503

            wait_until(store_refuses, "creates are refused", 30)
            check(refused["answer"].json["code"] == "store_unavailable", refused)
            check(int(refused["answer"].headers["retry-after"]) > 0, refused)
            check(node.request("GET", "/readyz", key=None).status == 503, "readiness is red")
            check(node.request("GET", "/healthz", key=None).status == 200, "it is alive all the same")
            check(node.payment(kept)["status"] == "PAID", "what was acknowledged can be read")
            os.remove(f"{mount}/ballast")
            wait_until(lambda: node.request("GET", "/readyz", key=None).status == 200, "ready again", 30)
            after = node.create("after")
            check(after.status == 201, after)
            node.wait_status(after.json["id"], "PAID", 40)
            check(node.stop_serve() == 0, "a clean exit")
            check(node.journal("verify").returncode == 0, "the journal verifies")
    finally:
        subprocess.run(["umount", "-l", mount], check=False)
        shutil.rmtree(mount, ignore_errors=True)


def second_node_refused(welkin):
    with Node(welkin) as node:
        second = subprocess.run([welkin, "serve", "--config", f"{node.folder}/welkin.toml"],
                                capture_output=True, text=True, timeout=30, check=False)
        check(second.returncode != 0, second)
        check(node.create("order-1").status == 201, "the first goes on")


def one_message_bodies(welkin):
    with Node(welkin) as node:
        with socket.create_connection(("127.0.0.1", node.port), timeout=10) as raw:
            raw.sendall(b"POST /v1/payments HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            head = raw.recv(4096).decode()
        check(head.startswith("HTTP/1.1 411") and "transfer_encoding_refused" in head, head)
        check(node.create("order-1").status == 201, "others are served")


run([
    ("a full disk refuses with 503, readiness turns red, and service resumes by itself", full_disk),
    ("a second node on the same journal is refused", second_node_refused),
    ("a chunked body is refused at the edge of a real process", one_message_bodies),
])
