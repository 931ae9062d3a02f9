"""The sandbox's connections: kept ones answer one request after another, idle ones cost nothing and end."""

import os
import socket
import time

from node import Node, check, run
from wire import Wire

REQUEST = b"GET /sandbox/control/stats HTTP/1.1\r\nHost: h\r\n\r\n"


def kept(welkin):
    with Node(welkin) as node:
        wire = Wire(node.sandbox_port)
        for _ in range(3):
            check(wire.exchange("GET", "/sandbox/control/stats").status == 200, "one after another")
        pipelined = socket.create_connection(("127.0.0.1", node.sandbox_port), timeout=10)
        pipelined.sendall(REQUEST * 3)
        received = b""
        while received.count(b"HTTP/1.1 200") < 3 or not received.endswith(b"}"):
            part = pipelined.recv(65536)
            check(part, f"the connection ended after {received!r}")
            received += part
        slow = socket.create_connection(("127.0.0.1", node.sandbox_port), timeout=10)
        for byte in REQUEST:
            slow.sendall(bytes([byte]))
        check(slow.recv(65536).startswith(b"HTTP/1.1 200"), "a request that comes in pieces")


def cpu_seconds(process):
    with open(f"/proc/{process.pid}/stat", encoding="utf-8") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle(welkin):
    with Node(welkin, sandbox_options=["--workers", "600"]) as node:
        wires = [Wire(node.sandbox_port) for _ in range(500)]
        for wire in wires:
            check(wire.exchange("GET", "/sandbox/control/stats").status == 200, "each is answered")
        before = cpu_seconds(node.sandbox)
        time.sleep(1)
        spent = cpu_seconds(node.sandbox) - before
        # Looking at each every 11 ms cost half a second here.
        check(spent < 0.1, f"500 idle connections cost {spent} s of processor time in a second")
        ended = 0
        for wire in wires:
            wire.socket.settimeout(5)
            ended += wire.socket.recv(1) == b""
        check(ended == len(wires), f"{ended} of {len(wires)} were closed once they had been idle for long")


run([
    ("a kept connection is answered again and again, pipelined or in pieces", kept),
    ("idle connections cost no processor time and are closed", idle),
])
