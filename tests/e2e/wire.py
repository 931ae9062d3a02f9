"""One kept connection of a client, read so closely that a whole answer, a part of one and none at all are
three different things. http.client would not tell them apart."""

import json
import socket

from node import Answer


class Unanswered(Exception):
    """The connection ended. `received` is what had come of the answer: empty, or a part of it."""

    def __init__(self, received, cause):
        super().__init__(f"{cause} after {len(received)} bytes of the answer")
        self.received = received


class Wire:
    def __init__(self, port, timeout_s=30):
        self.port, self.timeout_s = port, timeout_s
        self.socket, self.kept = None, b""

    def exchange(self, method, path, body=None, headers=()):
        """Sends one request and reads its whole answer; connects first where need be."""
        data = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{k}: {v}" for k, v in headers)]
        if body is not None:
            lines.append("Content-Type: application/json")
        if method == "POST":
            lines.append(f"Content-Length: {len(data)}")
        try:
            if self.socket is None:
                self.kept = b""
                self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=self.timeout_s)
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + data)
        except OSError as error:
            # What the other side said before it broke the connection may still lie there to be read.
            if self.socket is None:
                raise Unanswered(b"", error) from None
        answer = self.read_answer()
        if answer.headers.get("connection", "").lower() == "close":
            self.close()
        return answer

    def read_answer(self):
        head = self.read_until(b"\r\n\r\n")
        status_line, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        return Answer(int(status_line.split()[1]), headers,
                      self.read_exactly(int(headers.get("content-length", "0")), head))

    def read_until(self, end):
        while end not in self.kept:
            self.receive(b"")
        head, self.kept = self.kept.split(end, 1)
        return head

    def read_exactly(self, size, head):
        while len(self.kept) < size:
            self.receive(head)
        body, self.kept = self.kept[:size], self.kept[size:]
        return body

    def receive(self, head):
        try:
            more = self.socket.recv(65536)
        except OSError as error:
            self.give_up(head, error)
        if not more:
            self.give_up(head, "closed")
        self.kept += more

    def give_up(self, head, cause):
        received = head + self.kept
        self.close()
        raise Unanswered(received, cause) from None

    def close(self):
        if self.socket is not None:
            self.socket.close()
        self.socket, self.kept = None, b""
