"""What machine a sandbox is: asked of the machine itself, and who commits in it.

What programs print there is data. What cannot be found out is said to be unknown, and ends nothing.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog

from agents.errors import SandboxError
from agents.sandbox.layout import ENTER, ROOT
from agents.sandbox.workspace import Workspace

log = structlog.get_logger(__name__)

UNKNOWN = "not known"
MISSING = "not installed"
VERSIONS = ("python3", "node", "git")
TOOLS = ("pip3", "npm", "curl", "gcc", "make", "sqlite3", "psql", "php", "ruby", "go", "java", "docker")
SECONDS = 25  # that all questions may take
MOST_BYTES = 8_000  # of all answers
MOST_PORTS = 20
GIT_NAME, GIT_MAIL = "Cofounder", "agent@cofounder.invalid"
APP_PORT = 8000

# Each line is a name, a tab and what was found; a line that is missing is not known. The program inside is
# given its time and its size from outside, so that nothing on the machine can keep us waiting.
PROBE = (
    ENTER
    + r"""
say() { printf '%s\t%s\n' "$1" "$(head -c 300 | LC_ALL=C tr -c '[:print:]' ' ')"; }
field() { sed -n "s/^$1: *\([0-9]*\).*/\1/p" /proc/meminfo; }
{ sed -n 's/^PRETTY_NAME=//p' /etc/os-release | tr -d '"'; uname -srm; } 2> /dev/null | say system
nproc 2> /dev/null | say processors
{ field MemTotal; field MemAvailable; } 2> /dev/null | say memory
{ df -Pk . | tail -n 1 | while read -r _ size _ free _; do echo "$size $free"; done; } 2> /dev/null | say disk
if timeout 3 sudo -n true 2> /dev/null; then echo yes; else echo no; fi | say sudo
for program in $1; do
  if ! command -v "$program" > /dev/null; then echo "$4"
  else timeout 3 "$program" --version 2>&1 < /dev/null | head -n 1; fi | say "$program"
done
for program in $2; do command -v "$program" > /dev/null && echo "$program"; done | say tools
sed -n 's/^ *[0-9]*: [0-9A-F]*:\([0-9A-F]\{4\}\) [0-9A-F]*:[0-9A-F]* 0A .*/\1/p' \
  /proc/net/tcp /proc/net/tcp6 2> /dev/null | sort -u | head -n "$3" | say ports
if timeout 3 git --version > /dev/null; then
  git config --global user.name > /dev/null || git config --global user.name "$5"
  git config --global user.email > /dev/null || git config --global user.email "$6"
  echo "$(git config --global user.name) <$(git config --global user.email)>"
fi 2> /dev/null | say git_identity
if command -v curl > /dev/null; then
  if curl -sI -m 5 -o /dev/null http://example.com; then echo yes; else echo no; fi
elif timeout 5 bash -c 'exec 3<> /dev/tcp/example.com/80' 2> /dev/null; then echo yes
else echo no; fi | say network
"""
)
BOUNDED = r"""
probe=$1 most=$2; shift 2
timeout -k 1 "$1" bash -c "$probe" "$@" 2> /dev/null | head -c "$most"
exit 0
"""


async def describe(workspace: Workspace) -> dict[str, Any]:
    """What the agent is told of its machine. Asking also sets who commits with Git, where nobody is set."""
    try:
        async with asyncio.timeout(2 * SECONDS):
            printed = await workspace.script(BOUNDED, PROBE, str(MOST_BYTES), str(SECONDS), *_ARGUMENTS)
    except (SandboxError, TimeoutError) as error:  # whoever needs the sandbox itself finds out
        log.warning("machine.not_known", error=repr(error))
        printed = ""
    told = _told(_found(workspace.redact(printed)))
    return told | {"seen_from_outside": _outside(workspace)}


_ARGUMENTS = (" ".join(VERSIONS), " ".join(TOOLS), str(MOST_PORTS), MISSING, GIT_NAME, GIT_MAIL)


def _found(printed: str) -> dict[str, str]:
    pairs = (line.split("\t", 1) for line in printed.splitlines() if "\t" in line)
    return {name: found.strip() for name, found in pairs}


def _told(found: Mapping[str, str]) -> dict[str, Any]:
    """The answers in words; anything that is not as expected is not known."""
    tools = found.get("tools", "").split() if "tools" in found else None
    return {
        "system": found.get("system") or UNKNOWN,
        "processors": found.get("processors") or UNKNOWN,
        "memory": _of(found.get("memory", "")),
        "disk_of_the_workspace": _of(found.get("disk", "")),
        "workspace": ROOT,
        "may_use_sudo": found.get("sudo") or UNKNOWN,
        "versions": {program: found.get(program) or UNKNOWN for program in VERSIONS},
        "also_there": UNKNOWN if tools is None else [name for name in TOOLS if name in tools],
        "not_there": UNKNOWN if tools is None else [name for name in TOOLS if name not in tools],
        "internet": found.get("network") or UNKNOWN,
        "ports_in_use": _ports(found["ports"]) if "ports" in found else UNKNOWN,
        "git_identity": found.get("git_identity") or UNKNOWN,
    }


def _of(kilobytes: str) -> str:
    parts = kilobytes.split()
    if len(parts) != 2 or not all(part.isdecimal() and len(part) < 16 for part in parts):
        return UNKNOWN
    total, free = (int(part) // 1024 for part in parts)
    return f"{free} MB of {total} MB free"


def _ports(listening: str) -> list[int] | str:
    try:
        return sorted(int(port, 16) for port in listening.split())
    except ValueError:
        return UNKNOWN


def _outside(workspace: Workspace) -> str:
    return (
        f"A server that listens on 0.0.0.0 at port {APP_PORT} is seen at {workspace.host(APP_PORT)}, "
        "and one at another port at that port's own address."
    )
