"""An S3 server that can be made unreachable: moto in its own process, behind a faulty proxy."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import boto3

BLOCK = 16 * 1024
FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "a",
    "AWS_SECRET_ACCESS_KEY": "b",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@contextmanager
def server() -> Iterator[int]:
    """The port of a moto server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(30)


class Road:
    """A port that forwards to another one, and can fail in several ways.

    `answer`: what every new connection is answered in the server's place. `closed`: connections are refused.
    `pause`: seconds after each block sent to the server. `cut_after`: bytes after which a connection to the
    server is broken. After `stall_after` bytes in either direction `stalled` is set, and nothing more passes
    until `go_on`.
    """

    def __init__(self, target: int) -> None:
        self.closed = False
        self.answer = b""
        self.pause = 0.0
        self.cut_after = self.stall_after = 0
        self.stalled = threading.Event()
        self.go_on = threading.Event()
        self._target = target
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def clear(self) -> None:
        """Let new connections pass without faults; existing ones are broken."""
        self.closed, self.pause, self.cut_after, self.stall_after = False, 0.0, 0, 0
        self.answer = b""
        self.stalled.clear()
        self.go_on.clear()
        self._tear()

    def close(self) -> None:
        self.closed = True
        self._tear()

    def end(self) -> None:
        self.close()
        self._listening.close()

    def _tear(self) -> None:
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._open.clear()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            if self.closed:
                near.close()
                continue
            if self.answer:
                threading.Thread(target=_reply, args=(near, self.answer), daemon=True).start()
                continue
            far = socket.create_connection(("127.0.0.1", self._target))
            self._open += [near, far]
            for source, sink, is_up in ((near, far, True), (far, near, False)):
                threading.Thread(target=self._carry, args=(source, sink, is_up), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, is_up: bool) -> None:
        carried = 0
        with suppress(OSError):
            while block := source.recv(BLOCK):
                carried += len(block)
                if self.stall_after and carried > self.stall_after:
                    self.stalled.set()
                    self.go_on.wait(600)
                if is_up and self.cut_after and carried > self.cut_after:
                    break
                if is_up and self.pause:
                    time.sleep(self.pause)
                sink.sendall(block)
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


def _reply(near: socket.socket, answer: bytes) -> None:
    with near, suppress(OSError):
        near.recv(BLOCK)
        near.sendall(answer)


def client(port: int) -> Any:
    """A plain S3 client, to see what is really stored."""
    return boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}")
