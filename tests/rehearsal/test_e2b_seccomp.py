"""The filter's program, run by a small interpreter, so that each processor's is tested on any."""

import errno
import struct

import pytest

from rehearsal.e2b_api import seccomp

ALLOWED = 0
COLUMNS = {machine: column for machine, (column, _) in seccomp.ARCHITECTURES.items()}
machines = pytest.mark.parametrize("machine", seccomp.ARCHITECTURES)


def result(machine: str, number: int, *arguments: int, architecture: int = 0) -> int:
    """0 where the call is allowed, else the errno it fails with."""
    architecture = architecture or seccomp.ARCHITECTURES[machine][1]
    padded = (*arguments, *[0] * (6 - len(arguments)))
    data = struct.pack("=IIQ6Q", number, architecture, 0, *padded)
    program = seccomp.program(machine)
    steps = list(struct.iter_unpack("=HBBI", program))
    at = accumulator = 0
    while True:
        code, if_true, if_false, constant = steps[at]
        at += 1
        if code == seccomp.LOAD:
            (accumulator,) = struct.unpack_from("=I", data, constant)
        elif code == seccomp.RETURN:
            return ALLOWED if constant == seccomp.ALLOW else constant & 0xFFFF
        else:
            holds = {
                seccomp.JUMP_EQUAL: accumulator == constant,
                seccomp.JUMP_AT_LEAST: accumulator >= constant,
                seccomp.JUMP_ANY_BIT: bool(accumulator & constant),
            }[code]
            at += if_true if holds else if_false


def number(machine: str, name: str) -> int:
    return seccomp.JUDGED_BY_ARGUMENTS[name][COLUMNS[machine]]


@machines
def test_what_no_app_needs_is_refused_and_the_rest_is_allowed(machine: str) -> None:
    refused = {numbers[COLUMNS[machine]] for numbers in seccomp.REFUSED.values()} - {None}
    judged = {numbers[COLUMNS[machine]] for numbers in seccomp.JUDGED_BY_ARGUMENTS.values()}
    for call in range(seccomp.NEWEST_KNOWN + 1):
        if call not in judged:
            assert result(machine, call) == (errno.EPERM if call in refused else ALLOWED), call


@machines
def test_unknown_calls_and_other_architectures_do_not_exist(machine: str) -> None:
    for call in (seccomp.NEWEST_KNOWN + 1, 0x40000000, 0x40000000 + 101, 0xFFFFFFFF):
        assert result(machine, call) == errno.ENOSYS
    assert result(machine, 1, architecture=0x40000003) == errno.ENOSYS  # 32-bit x86


@machines
@pytest.mark.parametrize(
    "flag", [0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000]
)
def test_no_namespace_is_made_and_threads_and_children_are(machine: str, flag: int) -> None:
    clone, unshare = number(machine, "clone"), number(machine, "unshare")
    assert result(machine, clone, 17 | flag) == result(machine, unshare, flag) == errno.EPERM
    assert result(machine, clone, 0x3D0F00) == result(machine, clone, 17 | 0x4100) == ALLOWED
    assert result(machine, unshare, 0x400) == ALLOWED  # its own table of files
    assert result(machine, unshare, 0x80) == errno.EPERM  # a time namespace
    assert result(machine, number(machine, "clone3")) == errno.ENOSYS


@machines
@pytest.mark.parametrize("name", ["socket", "socketpair"])
def test_sockets_are_of_known_families(machine: str, name: str) -> None:
    call = number(machine, name)
    assert [result(machine, call, family, 1, 0) for family in (1, 2, 10, 16)] == [ALLOWED] * 4
    assert result(machine, call, 2, 1, 6) == ALLOWED
    assert result(machine, call, 16, 3, 9) == errno.EAFNOSUPPORT  # netlink's audit
    for family in (0, 3, 17, 38, 40, 44):  # among them packets, the kernel's ciphers and VSOCK
        assert result(machine, call, family, 1, 0) == errno.EAFNOSUPPORT


@machines
def test_nothing_is_typed_into_a_terminal(machine: str) -> None:
    call = number(machine, "ioctl")
    assert result(machine, call, 0, 0x5412) == result(machine, call, 0, 0x541C) == errno.EPERM
    assert result(machine, call, 0, 0x5412 | 1 << 32) == errno.EPERM  # the kernel looks at the low half
    assert result(machine, call, 0, 0x5401) == ALLOWED


@machines
def test_segments_of_shared_memory_are_small(machine: str) -> None:
    call = number(machine, "shmget")
    assert result(machine, call, 0, 56) == result(machine, call, 0, 1024**2 - 1) == ALLOWED
    assert result(machine, call, 0, 1024**2) == result(machine, call, 0, 1 << 32) == errno.ENOMEM


def test_a_processor_without_a_filter_is_known_as_such() -> None:
    assert seccomp.is_known("x86_64")
    assert not seccomp.is_known("riscv64")
