"""The first program inside a sandbox: it starts commands, opens files and connects to ports for the server.

It is started with the number of a seqpacket socket and a JSON configuration. Each packet is one JSON
object `{"id", "op", ...}`, answered by `{"id", "ok"}` or `{"id", "error"}`, together with file
descriptors: the pipes of a new command come in, opened files and connected sockets go out. The end of a
command is reported as `{"exit": pid, "code": n, "signal": n}`. When the socket closes, the server is gone
and everything here ends.
"""

import array
import contextlib
import ctypes
import errno
import json
import os
import resource
import selectors
import signal
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from . import tree
from .files import HOME, Files, Reply

PACKET = 256 * 1024
INLINE_REPLY = 64 * 1024
PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36
CLONE_NEWUSER = 0x10000000
FD_SPACE = socket.CMSG_SPACE(3 * array.array("i").itemsize)


class Guest:
    """The main loop: requests from the control socket, and children that have ended."""

    def __init__(self, control: socket.socket, config: dict[str, Any]) -> None:
        self.control = control
        self.files = Files()
        self.commands: set[int] = set()
        self.ops: dict[str, Callable[..., Reply]] = {
            "ping": lambda fds: ({}, []),
            "spawn": self.spawn,
            "signal": self.send_signal,
            "freeze": lambda fds: self.everyone(signal.SIGSTOP),
            "thaw": lambda fds: self.everyone(signal.SIGCONT),
            "dial": dial,
            "listen": listen,
            "examine": examine,
            **self.files.ops,
        }

    def run(self) -> None:
        selector = selectors.DefaultSelector()
        wakeup_read, wakeup_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wakeup_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        selector.register(self.control, selectors.EVENT_READ)
        selector.register(wakeup_read, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj == wakeup_read:
                    with contextlib.suppress(BlockingIOError):
                        os.read(wakeup_read, 4096)
                elif not self.serve_one():
                    return
            self.reap()

    def serve_one(self) -> bool:
        packet, ancillary, _, _ = self.control.recvmsg(PACKET, FD_SPACE, socket.MSG_CMSG_CLOEXEC)
        fds = array.array("i")
        for _level, _type, data in ancillary:
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
        if not packet:
            return False
        request = json.loads(packet)
        number, op = request.pop("id"), request.pop("op")
        if op == "end":
            return False
        try:
            ok, answer_fds = self.ops[op](list(fds), **request)
            self.answer({"id": number, "ok": ok}, answer_fds)
        except OSError as error:
            detail = {"errno": error.errno or errno.EIO, "message": error.strerror or str(error)}
            self.answer({"id": number, "error": detail}, [])
        finally:
            for fd in fds:
                os.close(fd)
        return True

    def answer(self, message: dict[str, Any], fds: Sequence[int]) -> None:
        packet = json.dumps(message).encode()
        if len(packet) > INLINE_REPLY:
            # A listing of thousands of files is too long for a packet: it is sent as a file in memory.
            fds = [os.memfd_create("reply")]
            with open(fds[0], "wb", closefd=False) as long_reply:
                long_reply.write(json.dumps(message["ok"]).encode())
            packet = json.dumps({"id": message["id"], "long": True}).encode()
        socket.send_fds(self.control, [packet], list(fds))
        for fd in fds:
            os.close(fd)

    def reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if pid in self.commands:
                    self.commands.discard(pid)
                    code = os.waitstatus_to_exitcode(status)
                    self.answer({"exit": pid, "code": max(code, -1), "signal": max(-code, 0)}, [])

    def spawn(self, fds: list[int], argv: list[str], envs: dict[str, str], cwd: str) -> Reply:
        here = self.files.at(cwd or HOME)
        if not here.is_dir():
            raise OSError(errno.EINVAL, f"cwd '{cwd}' does not exist")
        env = {**os.environ, **envs, "PWD": str(here)}
        # posix_spawn takes no working directory; this process has one thread, so it can change its own.
        os.chdir(here)
        try:
            pid = os.posix_spawnp(
                argv[0],
                argv,
                env,
                file_actions=[(os.POSIX_SPAWN_DUP2, fd, target) for target, fd in enumerate(fds)],
                setsid=True,
                setsigdef=[signal.SIGPIPE, signal.SIGINT],
            )
        finally:
            os.chdir("/")
        self.commands.add(pid)
        return {"pid": pid}, []

    def send_signal(self, fds: list[int], pid: int, signum: int) -> Reply:
        if pid not in self.commands:
            raise ProcessLookupError(errno.ESRCH, f"process with pid {pid} not found")
        # The command first: a shell that sees its children killed would end by itself, with a different code.
        for member in (pid, *(tree.family(pid) - {pid})):
            tree.send(member, signum)
        return {}, []

    def everyone(self, signum: int) -> Reply:
        tree.send_all(tree.descendants_of_this_process, signum)
        return {}, []

    def end(self) -> None:
        """Kill everything that runs; orphans become children of this process, so the list becomes empty."""
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            left = tree.descendants_of_this_process()
            if not left:
                return
            for pid in left:
                tree.send(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            time.sleep(0.005)


def dial(fds: list[int], port: int) -> Reply:
    connection = socket.create_connection(("localhost", port), timeout=1)
    connection.setblocking(False)
    return {}, [connection.detach()]


def listen(fds: list[int], port: int) -> Reply:
    """A socket that listens in here and is served outside: the only way out."""
    listening = socket.create_server(("127.0.0.1", port))
    return {}, [listening.detach()]


def examine(fds: list[int]) -> Reply:
    """How this process is confined, as the kernel says and as one attempt shows."""
    status = dict(
        line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if "\t" in line
    )
    return {
        "uid": os.getuid(),
        "capabilities": int(status["CapEff"], 16) | int(status["CapPrm"], 16),
        "no_new_privileges": status["NoNewPrivs"].strip() == "1",
        "seccomp": status["Seccomp"].strip() == "2",
        "makes_user_namespaces": ctypes.CDLL(None).unshare(CLONE_NEWUSER) == 0,
        "networks": [name for _, name in socket.if_nameindex()],
        "first_process": os.getpid() < 10,
    }, []


def limit(config: dict[str, Any]) -> None:
    """Apply the limits of config to this process; every command inherits them."""
    for name, value in config["limits"].items():
        kind = getattr(resource, name)
        _, hard = resource.getrlimit(kind)
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (allowed, allowed))
    os.nice(5)
    # When the machine runs out of memory, the kernel should kill what runs in a sandbox first.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def become(uid: int | None) -> None:
    """Give up root for good, if the server started this as root."""
    if uid is None:
        return
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def main(fd: str, config_json: str) -> None:
    control = socket.socket(fileno=int(fd))
    control.set_inheritable(False)
    config = json.loads(config_json)
    limit(config)
    become(config["uid"])
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    # Commands run as the same user; none may read this process's memory or take its control socket.
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    os.umask(0o022)
    os.chdir("/")
    guest = Guest(control, config)
    try:
        guest.run()
    except ConnectionError:
        pass  # the server ended while an answer was being sent
    finally:
        guest.end()
