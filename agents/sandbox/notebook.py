"""The agent's own notes: `NOTES.md` in its workspace, which it keeps for the days to come."""

import base64
import binascii

import structlog

from agents.errors import SandboxError
from agents.sandbox.layout import ENTER
from agents.sandbox.workspace import Workspace

log = structlog.get_logger(__name__)

MOST_BYTES = 8_000  # of the notes that the agent is shown again
CUT = f"\n[The rest is left out: only the first {MOST_BYTES:,} bytes of NOTES.md are shown here.]"

# Prints the start of a regular file: no link, no pipe, nothing that could keep us waiting.
READ = (
    ENTER
    + r"""
[ -f NOTES.md ] && [ ! -L NOTES.md ] && [ -r NOTES.md ] || exit 0
timeout 10 head -c "$1" -- NOTES.md | base64
"""
)


async def read(workspace: Workspace) -> str:
    """What the notes say, without secrets; empty when there are none, or none that can be read as text."""
    try:
        printed = await workspace.script(READ, str(2 * MOST_BYTES))
    except SandboxError as error:  # the notes are a help: whoever needs the sandbox itself finds out
        log.warning("notebook.not_read", error=repr(error))
        return ""
    # Redacted before it is cut: the half of a secret would not be recognised.
    return _cut(workspace.redact(_text(printed)))


def _text(printed: str) -> str:
    try:
        content = base64.b64decode(printed)
    except binascii.Error:
        return ""
    return "" if b"\0" in content else content.decode(errors="replace").strip()


def _cut(text: str) -> str:
    content = text.encode()
    return text if len(content) <= MOST_BYTES else content[:MOST_BYTES].decode(errors="ignore") + CUT
