"""Clients that mean no good, as many at once as asked, in a process of their own so that they cannot slow the
one that measures. Each kind comes back as soon as it has been turned away, and keeps count of how that went."""

import asyncio
import multiprocessing
import select
import socket
import time

KEY_LESS = b"GET /v1/payments HTTP/1.1\r\nHost: h\r\n\r\n"
PIPELINED = 64
PAUSE_S = 0.2  # connected already, before it does what it came for
OVERSLEPT_S = 0.6  # on a busy machine; within any deadline that a crowd is sent against


class Crowd:
    """`expected` names, for each kind, how a visit ends: the status it gets, 0 for closed without a word."""

    expected = {"slow": 408, "half_open": 408, "silent": 0, "pipelined": 401, "oversized": 413, "chunked": 411,
                "header_flood": 431}

    def __init__(self, port, count):
        self.port, self.count = port, count
        # Made with fork: nothing has to be importable from here.
        context = multiprocessing.get_context("fork")
        self.tallies, self.child_end = context.Pipe()
        self.connected = context.Value("i", 0)
        self.process = context.Process(target=self.run, daemon=True)

    def __enter__(self):
        self.process.start()
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.join()

    def tally(self):
        """Ends the crowd: {kind: {status: how often}}."""
        self.tallies.send("stop")
        return self.tallies.recv()

    # ---- in the other process

    def run(self):
        asyncio.run(self.visit_all())

    async def visit_all(self):
        counts = {kind: {} for kind in self.expected}
        visits = [asyncio.ensure_future(self.visit(kind, counts[kind]))
                  for _, kind in zip(range(self.count), list(self.expected) * self.count)]
        while not self.child_end.poll():
            await asyncio.sleep(0.05)
        for visit in visits:
            visit.cancel()
        await asyncio.gather(*visits, return_exceptions=True)
        self.child_end.send(counts)

    async def visit(self, kind, counts):
        while True:
            came_at_s = time.monotonic()
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            self.connected.value += 1
            await asyncio.sleep(PAUSE_S)
            # One that oversleeps is silent to the server, whatever it came for: it goes, uncounted.
            overslept = time.monotonic() - came_at_s > OVERSLEPT_S
            try:
                answers = None if overslept else await getattr(self, kind)(reader, writer)
            finally:
                self.connected.value -= 1
                writer.transport.abort()
            if not overslept:
                counts[answers] = counts.get(answers, 0) + 1

    @staticmethod
    async def send(writer, data):
        try:
            writer.write(data)
            await writer.drain()
            return True
        except OSError:  # turned away already; what was said about it is still to be read
            return False

    @staticmethod
    async def end(reader):
        """The status of the last answer before the connection ended."""
        heard = b""
        try:
            while more := await reader.read(65536):
                heard = (heard + more)[-65536:]
        except OSError:
            pass
        place = heard.rfind(b"HTTP/1.1 ")
        return int(heard[place + 9:place + 12]) if place >= 0 else 0

    async def slow(self, reader, writer):
        ended = asyncio.ensure_future(self.end(reader))
        for byte in KEY_LESS * 100:
            if ended.done() or not await self.send(writer, bytes([byte])):
                break
            await asyncio.sleep(0.1)
        return await ended

    async def half_open(self, reader, writer):
        await self.send(writer, b"POST /v1/payments HTTP/1.1\r\nHost: h\r\nContent-Length: 99\r\n\r\n{")
        return await self.end(reader)

    async def silent(self, reader, _):
        return await self.end(reader)

    async def pipelined(self, reader, writer):
        await self.send(writer, KEY_LESS * PIPELINED + KEY_LESS.replace(b"Host", b"Connection: close\r\nHost"))
        heard = b""
        while more := await reader.read(65536):
            heard += more
        return 401 if heard.count(b"HTTP/1.1 401") == PIPELINED + 1 else 0

    async def oversized(self, reader, writer):
        await self.send(writer, b"POST /v1/payments HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n")
        await self.send(writer, b"x" * 1_000_000)
        return await self.end(reader)

    async def chunked(self, reader, writer):
        await self.send(writer, b"POST /v1/payments HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(16):
            if not await self.send(writer, b"4000\r\n" + b"x" * 0x4000 + b"\r\n"):
                break
        return await self.end(reader)

    async def header_flood(self, reader, writer):
        await self.send(writer, b"GET / HTTP/1.1\r\nHost: h\r\n")
        for number in range(5000):
            if not await self.send(writer, b"X-%d: y\r\n" % number):
                break
        return await self.end(reader)


class Flood:
    """One visitor at full bandwidth, in a process of its own: it sends `begin` on a connection and then `more` for as long
    as it is let, takes the answers or does not, and comes back at once when it is cut off."""

    at_once = 65536
    one_byte = b"POST /v1/x HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"
    # begin, more, whether it reads, whether it is cut off while it goes on
    kinds = {
        "empty_lines": (b"", b"\r\n" * (at_once // 2), True, True),
        "header_bytes": (b"GET / HTTP/1.1\r\nX: ", b"y" * at_once, True, True),
        "pipelined": (b"", KEY_LESS * (at_once // len(KEY_LESS)), True, False),
        "one_byte_bodies": (b"", one_byte * (at_once // len(one_byte)), True, False),
        "never_reads": (b"", b"GET /openapi.json HTTP/1.1\r\nHost: h\r\n\r\n" * 1024, False, True),
    }

    def __init__(self, port, kind):
        self.port, self.kind = port, kind
        context = multiprocessing.get_context("fork")
        self.sent_bytes, self.cut_off = context.Value("q", 0), context.Value("i", 0)
        self.process = context.Process(target=self.run, daemon=True)

    def __enter__(self):
        self.process.start()
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.join()

    # ---- in the other process

    def run(self):
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port)) as connection:
                    self.visit(connection)
            except OSError:
                pass
            self.cut_off.value += 1

    def visit(self, connection):
        begin, more, reads, _ = self.kinds[self.kind]
        connection.sendall(begin)
        connection.setblocking(False)
        rest = memoryview(more)
        while True:
            readable, writable, _ = select.select([connection] if reads else [], [connection], [])
            if readable and not connection.recv(self.at_once):
                return
            if not writable:
                continue
            sent = connection.send(rest)
            self.sent_bytes.value += sent
            rest = rest[sent:] or memoryview(more)
