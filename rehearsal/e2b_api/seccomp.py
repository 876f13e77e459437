"""A seccomp filter for what runs in a sandbox: a small BPF program that refuses what no app needs.

What it refuses leads deeper into the kernel than an app ever goes: new namespaces, mounts, other processes'
memory, keys, kernel modules, BPF, io_uring. Refused calls fail with an error that programs can handle.
"""

import errno
import platform
import struct

LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
ALLOW, FAIL = 0x7FFF0000, 0x00050000

NEW_NAMESPACES = 0x7E020000  # CLONE_NEW*: cgroup, uts, ipc, user, pid, net, and mount
NEW_TIME = 0x80  # only for unshare: in clone these bits are the signal's
NEWEST_KNOWN = 462
"""The last call of Linux 6.10. Newer ones, and those of x32, count as not there."""

# Number on x86-64, on aarch64; None where the call does not exist.
REFUSED: dict[str, tuple[int | None, int | None]] = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "adjtimex": (159, 171),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "delete_module": (176, 106),
    "fanotify_init": (300, 262),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "ioperm": (173, None),
    "iopl": (172, None),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "lookup_dcookie": (212, 18),
    "memfd_secret": (447, 447),
    "migrate_pages": (256, 238),
    "modify_ldt": (154, None),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "move_pages": (279, 239),
    "nfsservctl": (180, 42),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_madvise": (440, 440),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "sched_setaffinity": (203, 122),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "userfaultfd": (323, 282),
    "uselib": (134, None),
    "vhangup": (153, 58),
}
JUDGED_BY_ARGUMENTS = {
    "clone": (56, 220),
    "clone3": (435, 435),
    "ioctl": (16, 29),
    "shmget": (29, 194),
    "socket": (41, 198),
    "socketpair": (53, 199),
    "unshare": (272, 97),
}
ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column above, AUDIT_ARCH_*

TERMINAL_INPUT = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX: both can type into a terminal
LARGEST_SEGMENT = 1024**2  # of System V shared memory, which stays when all its processes have ended
AF_NETLINK = 16
FAMILIES = (1, 2, 10, AF_NETLINK)  # UNIX, IPv4, IPv6; AF_VSOCK would pass by the network namespace

Program = list[tuple[int, int, int, int]]  # code, instructions to skip if true, if false, constant


def program(machine: str = "") -> bytes:
    """The filter for this machine's processor, as bubblewrap's `--seccomp` reads it."""
    return b"".join(struct.pack("=HBBI", *step) for step in _steps(machine or platform.machine()))


def is_known(machine: str) -> bool:
    """Whether there is a filter for this processor."""
    return machine in ARCHITECTURES


def _steps(machine: str) -> Program:
    column, architecture = ARCHITECTURES[machine]
    steps: Program = [
        (LOAD, 0, 0, ARCHITECTURE),
        (JUMP_EQUAL, 1, 0, architecture),
        _fail(errno.ENOSYS),  # calls of another architecture have other numbers
        (LOAD, 0, 0, NUMBER),
        (JUMP_AT_LEAST, 0, 1, NEWEST_KNOWN + 1),
        _fail(errno.ENOSYS),
    ]
    for numbers in REFUSED.values():
        if (number := numbers[column]) is not None:
            steps += [(JUMP_EQUAL, 0, 1, number), _fail(errno.EPERM)]
    for name, judge in (
        ("clone", _fail_if_any_bit(0, NEW_NAMESPACES)),
        ("unshare", _fail_if_any_bit(0, NEW_NAMESPACES | NEW_TIME)),
        # Its flags are in memory, where a filter cannot look; C libraries then use clone.
        ("clone3", [_fail(errno.ENOSYS)]),
        ("ioctl", _fail_if_one_of(1, TERMINAL_INPUT)),
        ("shmget", _fail_if_at_least(1, LARGEST_SEGMENT)),
        ("socket", _fail_unless_family()),
        ("socketpair", _fail_unless_family()),
    ):
        steps += [(JUMP_EQUAL, 0, len(judge), JUDGED_BY_ARGUMENTS[name][column]), *judge]
    return [*steps, (RETURN, 0, 0, ALLOW)]


def _fail(number: int) -> tuple[int, int, int, int]:
    return (RETURN, 0, 0, FAIL | number)


def _argument(position: int) -> tuple[int, int, int, int]:
    """The low half; most arguments judged here are 32 bits wide for the kernel."""
    return (LOAD, 0, 0, ARGUMENTS + 8 * position)


def _fail_if_any_bit(position: int, bits: int) -> Program:
    return [_argument(position), (JUMP_ANY_BIT, 0, 1, bits), _fail(errno.EPERM), (LOAD, 0, 0, NUMBER)]


def _fail_if_one_of(position: int, values: tuple[int, ...]) -> Program:
    steps: Program = [_argument(position)]
    for value in values:
        steps += [(JUMP_EQUAL, 0, 1, value), _fail(errno.EPERM)]
    return [*steps, (LOAD, 0, 0, NUMBER)]


def _fail_if_at_least(position: int, size: int) -> Program:
    """For an argument of 64 bits: its high half is looked at first."""
    high = (LOAD, 0, 0, ARGUMENTS + 8 * position + 4)
    steps: Program = [high, (JUMP_EQUAL, 0, 2, 0), _argument(position), (JUMP_AT_LEAST, 0, 1, size)]
    return [*steps, _fail(errno.ENOMEM), (LOAD, 0, 0, NUMBER)]


def _fail_unless_family() -> Program:
    """Only known families, and of netlink only what asks for addresses and routes (protocol 0)."""
    steps: Program = [_argument(0)]
    for position, family in enumerate(FAMILIES):
        steps += [(JUMP_EQUAL, len(FAMILIES) - position, 0, family)]
    steps += [_fail(errno.EAFNOSUPPORT)]
    steps += [(JUMP_EQUAL, 0, 3, AF_NETLINK), _argument(2), (JUMP_EQUAL, 1, 0, 0), _fail(errno.EAFNOSUPPORT)]
    return [*steps, (LOAD, 0, 0, NUMBER)]
