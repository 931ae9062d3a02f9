"""Clients that read over and over, as fast as they are answered, in a process of their own so that they cannot slow
the one that measures."""

import asyncio
import multiprocessing

from node import TEST_KEY


class Pollers:
    """`answered` counts whole answers by kind: good and other."""

    def __init__(self, port, path, count=16, key=TEST_KEY):
        self.port, self.count = port, count
        authorization = f"Authorization: Bearer {key}\r\n" if key else ""
        self.request = f"GET {path} HTTP/1.1\r\nHost: h\r\n{authorization}\r\n".encode()
        context = multiprocessing.get_context("fork")
        self.good, self.other = context.Value("q", 0), context.Value("q", 0)
        self.stopping = context.Event()
        self.process = context.Process(target=self.run, daemon=True)

    def __enter__(self):
        self.process.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.process.join(5)
        self.process.kill()
        self.process.join()

    # ---- in the other process

    def run(self):
        asyncio.run(self.poll_all())

    async def poll_all(self):
        polls = [asyncio.ensure_future(self.poll()) for _ in range(self.count)]
        while not self.stopping.is_set():
            await asyncio.sleep(0.05)
        for poll in polls:
            poll.cancel()
        await asyncio.gather(*polls, return_exceptions=True)

    async def poll(self):
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            try:
                await self.read_on(reader, writer)
            except (OSError, asyncio.IncompleteReadError):
                pass  # closed by the server: it has said why with the answer before
            finally:
                writer.transport.abort()

    async def read_on(self, reader, writer):
        while True:
            writer.write(self.request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            place = head.index(b"content-length:") + len(b"content-length:")
            await reader.readexactly(int(head[place:head.index(b"\r\n", place)]))
            count = self.good if head.startswith(b"http/1.1 200") else self.other
            count.value += 1
            if b"connection: close" in head:
                return
