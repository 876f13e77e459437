"""The agent's notes as they come back to it, whatever has become of the file."""

import pytest
from pytest_django import Settings

from agents.sandbox import notebook
from agents.sandbox.notebook import CUT, MOST_BYTES
from agents.sandbox.workspace import Workspace
from tests.agents.conftest import OpenWorkspace

pytestmark = pytest.mark.services


async def test_notes_come_back_word_for_word(workspace: Workspace) -> None:
    text = "# Décisions\n\nSQLite, <b>one</b> file.\nStart: `python3 app.py`\t\u00a0☕"
    await workspace.write("NOTES.md", f"{text}\n".encode())
    assert await notebook.read(workspace) == text


@pytest.mark.parametrize(
    "made",
    [
        "true",
        "mkdir NOTES.md",
        "echo secret > ../outside; ln -s ../outside NOTES.md",
        "ln -s NOTES.md NOTES.md",
        "mkfifo NOTES.md",
        "printf 'a\\0b' > NOTES.md",
        ": > NOTES.md",
        "cd ..; rm -rf app; echo x > app",
    ],
)
async def test_what_is_no_text_file_is_no_note_and_nobody_waits_for_it(
    workspace: Workspace, made: str
) -> None:
    await workspace.run(made)
    assert await notebook.read(workspace) == ""


async def test_of_a_huge_file_the_beginning_is_read(workspace: Workspace) -> None:
    await workspace.run("head -c 300000000 /dev/zero | tr '\\0' x > NOTES.md")
    assert await notebook.read(workspace) == "x" * MOST_BYTES + CUT


async def test_a_character_at_the_cut_is_left_out_whole(workspace: Workspace) -> None:
    await workspace.write("NOTES.md", b"x" * (MOST_BYTES - 1) + "€".encode())
    assert await notebook.read(workspace) == "x" * (MOST_BYTES - 1) + CUT


async def test_bytes_that_are_no_text_are_replaced(workspace: Workspace) -> None:
    await workspace.write("NOTES.md", b"caf\xe9")
    assert await notebook.read(workspace) == "caf\ufffd"


async def test_a_secret_is_hidden_also_where_the_notes_are_cut(open_workspace: OpenWorkspace) -> None:
    workspace = await open_workspace(envs={"TOKEN": "tok-123456789"})
    await workspace.write("NOTES.md", b"x" * (MOST_BYTES - 5) + b"tok-123456789" + b"y" * 100)
    assert "tok-1" not in await notebook.read(workspace)


async def test_a_sandbox_that_is_gone_has_no_notes(workspace: Workspace) -> None:
    await workspace.kill()
    assert await notebook.read(workspace) == ""


@pytest.mark.parametrize("place", ["agents/prompts/system.md", "docs/explanation.md"])
def test_agent_and_docs_are_told_how_much_of_the_notes_comes_back(place: str, settings: Settings) -> None:
    assert f"first {MOST_BYTES:,} bytes" in (settings.BASE_DIR / place).read_text()
