import uuid
from typing import Any

import pytest

from agents.sandbox.workspace import Workspace
from agents.tools import Toolbox
from agents.tools.glob import matcher
from agents.turns import ToolCall, ToolResult
from tests.agents.conftest import OpenWorkspace

pytestmark = pytest.mark.services


class Caller:
    """Calls tools by name, as the loop does."""

    def __init__(self, workspace: Workspace) -> None:
        self.toolbox = Toolbox(workspace)

    async def __call__(self, name: str, **arguments: Any) -> ToolResult:
        return await self.toolbox.run(ToolCall("call-1", name, arguments))


@pytest.fixture
def call(workspace: Workspace) -> Caller:
    return Caller(workspace)


def text(result: ToolResult) -> str:
    return str(result.content[0]["text"])


async def test_a_written_file_is_stored_verbatim_and_read_with_line_numbers(
    call: Caller, workspace: Workspace
) -> None:
    content = "first\n\n\tindented  \r\nünï\nno end of line"
    written = await call("write_file", path="app/login.py", content=content)
    assert written.label == "Wrote 5 lines to app/login.py"
    assert written.changed_files
    read = await call("read_file", path="app/login.py")
    shown = "     1\tfirst\n     2\t\n     3\t\tindented  \n     4\tünï\n     5\tno end of line"
    assert text(read) == f"[The lines end in \\r\\n.]\n{shown}"
    assert (read.label, read.is_error) == ("Read app/login.py", False)
    assert await workspace.read("app/login.py") == content.encode()


async def test_a_part_of_a_file_comes_with_a_heading(call: Caller) -> None:
    await call("write_file", path="long.txt", content="".join(f"line {n}\n" for n in range(1, 101)))
    part = text(await call("read_file", path="long.txt", offset=10, limit=2))
    assert part == "[lines 10 to 11 of 100]\n    10\tline 10\n    11\tline 11"
    beyond = await call("read_file", path="long.txt", offset=101)
    assert text(beyond) == "long.txt has only 100 lines: there is nothing from line 101 on."


async def test_a_file_longer_than_an_answer_is_cut_between_lines(call: Caller) -> None:
    await call("write_file", path="long.txt", content=("x" * 99 + "\n") * 1000)
    first = text(await call("read_file", path="long.txt"))
    assert first.startswith("[lines 1 to 271 of 1000]\n")
    assert len(first) < 30_000


@pytest.mark.parametrize(
    ("path", "error_type"),
    [
        ("missing.txt", "file_not_found"),
        ("folder", "not_a_file"),
        ("picture.png", "binary_file"),
        ("latin.txt", "binary_file"),
        ("big.txt", "file_too_large"),
        ("../../etc/passwd", "outside_workspace"),
        ("", "invalid_input"),
    ],
)
async def test_what_cannot_be_read_is_told_by_its_kind(
    call: Caller, workspace: Workspace, path: str, error_type: str
) -> None:
    await workspace.run(
        "mkdir folder; printf 'a\\0b' > picture.png; printf '\\xe9' > latin.txt; "
        "head -c 1000001 /dev/zero | tr '\\0' x > big.txt"
    )
    result = await call("read_file", path=path)
    assert (result.is_error, result.error_type) == (True, error_type)


async def test_an_edit_changes_one_passage_and_shows_the_difference(
    call: Caller, workspace: Workspace
) -> None:
    await call("write_file", path="a.py", content="one = 1\ntwo = 2\nthree = 3\n")
    edited = await call("edit_file", path="a.py", old_string="two = 2", new_string="two = 22")
    assert "-two = 2\n+two = 22" in edited.diff
    assert await workspace.read("a.py") == b"one = 1\ntwo = 22\nthree = 3\n"


async def test_an_edit_answers_with_the_changed_places_as_they_are_now(call: Caller) -> None:
    await call("write_file", path="a.py", content="".join(f"n{n} = {n}\n" for n in range(1, 31)))
    more = [{"old_string": "n20 = 20", "new_string": "n20 = 0"}]
    edited = await call("edit_file", path="a.py", old_string="n2 = 2\n", new_string="a\nb\n", more_edits=more)
    assert text(edited).splitlines() == [
        "Edited a.py (2 replacements).",
        *("     1\tn1 = 1", "     2\ta", "     3\tb", "     4\tn3 = 3", "     5\tn4 = 4", "..."),
        *("    19\tn18 = 18", "    20\tn19 = 19", "    21\tn20 = 0", "    22\tn21 = 21", "    23\tn22 = 22"),
    ]


async def test_many_and_long_changed_lines_do_not_fill_the_answer(call: Caller) -> None:
    await call("write_file", path="a.txt", content=("x" + "y" * 1000 + "\n") * 200)
    edited = text(await call("edit_file", path="a.txt", old_string="x", new_string="z", replace_all=True))
    assert edited.endswith("[more was changed below]")
    assert len(edited) < 15_000


async def test_of_several_edits_all_are_made_or_none(call: Caller) -> None:
    await call("write_file", path="a.txt", content="one two")
    more = [{"old_string": "1 two", "new_string": "1 2"}, {"old_string": "three", "new_string": "3"}]
    failed = await call("edit_file", path="a.txt", old_string="one", new_string="1", more_edits=more)
    assert failed.error_type == "passage_not_found"
    assert "edit 3; no edit was made" in text(failed)
    assert (await call("bash", command="cat a.txt")).content[0]["text"].startswith("one two")
    await call("edit_file", path="a.txt", old_string="one", new_string="1", more_edits=more[:1])
    assert (await call("bash", command="cat a.txt")).content[0]["text"].startswith("1 2")


@pytest.mark.parametrize(
    ("old", "new", "error_type"),
    [("x", "z", "passage_not_unique"), ("q", "z", "passage_not_found"), ("x", "x", "invalid_input")],
)
async def test_an_unclear_edit_changes_nothing(
    call: Caller, workspace: Workspace, old: str, new: str, error_type: str
) -> None:
    await call("write_file", path="a.txt", content="x y x")
    result = await call("edit_file", path="a.txt", old_string=old, new_string=new)
    assert result.error_type == error_type
    assert await workspace.read("a.txt") == b"x y x"


async def test_replace_all_replaces_every_occurrence(call: Caller, workspace: Workspace) -> None:
    await call("write_file", path="a.txt", content="x y x")
    result = await call("edit_file", path="a.txt", old_string="x", new_string="z", replace_all=True)
    assert "2 replacements" in text(result)
    assert await workspace.read("a.txt") == b"z y z"


async def test_grep_finds_lines_by_perls_expressions(call: Caller) -> None:
    await call("write_file", path="src/a b.py", content="port = 8000\nhost = 'x'\n")
    await call("write_file", path="src/c.js", content="port = 9000\n")
    await call("write_file", path="node_modules/d.js", content="port = 1\n")
    assert text(await call("grep", pattern=r"port = \d+")).splitlines() == [
        "src/a b.py:1:port = 8000",
        "src/c.js:1:port = 9000",
    ]
    only = await call("grep", pattern=r"port", path="src", glob="*.py")
    assert text(only) == "src/a b.py:1:port = 8000"
    assert "1 line " in only.label


async def test_grep_without_a_match_is_no_error_and_a_bad_pattern_is(call: Caller) -> None:
    none = await call("grep", pattern="nowhere")
    assert (none.is_error, text(none)) == (False, "No matches.")
    assert (await call("grep", pattern="(")).error_type == "invalid_input"
    assert (await call("grep", pattern="x", path="nowhere")).error_type == "file_not_found"


async def test_a_pattern_that_looks_like_an_option_is_a_pattern(call: Caller) -> None:
    await call("write_file", path="a.txt", content="--help me\n")
    assert text(await call("grep", pattern="--help")) == "a.txt:1:--help me"


async def test_glob_finds_files_by_name(call: Caller) -> None:
    for path in ("a.py", "lib/b.py", "lib/deep/c.py", ".git/x.py", "lib/d.js"):
        await call("write_file", path=path, content="")
    assert text(await call("glob", pattern="**/*.py")).splitlines() == ["a.py", "lib/b.py", "lib/deep/c.py"]
    assert text(await call("glob", pattern="*.{py,js}", path="lib")).splitlines() == ["lib/b.py", "lib/d.js"]
    assert text(await call("glob", pattern="*.rs")) == "No files."


async def test_what_commands_may_not_read_searches_pass_by_and_file_tools_open_as_root(
    call: Caller, workspace: Workspace
) -> None:
    await workspace.run(
        "mkdir locked; echo x > locked/x; echo x > a.txt; chmod 000 locked; echo y > no; chmod 0 no"
    )
    assert text(await call("glob", pattern="*.txt")) == "a.txt"
    assert text(await call("grep", pattern="x")) == "a.txt:1:x"
    assert text(await call("read_file", path="no")) == "     1\ty"
    assert not (await call("write_file", path="no", content="z")).is_error
    assert (await call("write_file", path="a.txt/x", content="")).is_error


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("*.py", "a.py", True),
        ("*.py", "lib/a.py", False),
        ("**/*.py", "a.py", True),
        ("lib/**", "lib/a/b", True),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("[!a]b", "cb", True),
        ("[!a]b", "ab", False),
        ("*.{js,ts*}", "x.tsx", True),
        ("a+b.txt", "a+b.txt", True),
        ("./a", "a", True),
        ("[", "[", True),
    ],
)
def test_a_glob_means_what_a_shell_means_by_it(pattern: str, path: str, matches: bool) -> None:
    assert bool(matcher(pattern).fullmatch(path)) is matches


async def test_an_offset_of_nothing_reads_from_the_beginning(call: Caller) -> None:
    await call("write_file", path="a", content="one\ntwo\n")
    assert text(await call("read_file", path="a", offset=0)) == "     1\tone\n     2\ttwo"
    first = await call("read_file", path="a", offset=0, limit=1)
    assert text(first) == "[lines 1 to 1 of 2]\n     1\tone"


async def test_an_empty_file_is_said_to_be_empty(call: Caller) -> None:
    await call("write_file", path="a", content="")
    assert text(await call("read_file", path="a")) == "[a is empty.]"


async def test_lines_are_counted_as_grep_counts_them(call: Caller) -> None:
    await call("write_file", path="a", content="one\x0b\u2028still one\ntwo\n")
    assert text(await call("read_file", path="a")).endswith("\n     2\ttwo")
    assert text(await call("grep", pattern="two")) == "a:2:two"


async def test_a_line_of_a_minified_file_is_cut(call: Caller) -> None:
    await call("write_file", path="a.js", content="x" * 50_000 + "\nend\n")
    shown = text(await call("read_file", path="a.js"))
    assert "[50,000 characters, cut]\n     2\tend" in shown


@pytest.mark.parametrize("name", ["edit_file", "write_file"])
async def test_what_a_command_has_changed_is_read_again_before_it_is_changed(
    call: Caller, workspace: Workspace, name: str
) -> None:
    change = {"old_string": "x", "new_string": "y"} if name == "edit_file" else {"content": "y"}
    await call("write_file", path="a.txt", content="x")
    await call("bash", command="echo more >> a.txt")
    refused = await call(name, path="a.txt", **change)
    assert (refused.is_error, refused.error_type) == (True, "file_changed")
    assert "Read it again" in text(refused)
    assert await workspace.read("a.txt") == b"xmore\n"
    await call("read_file", path="a.txt")
    assert not (await call(name, path="a.txt", **change)).is_error


@pytest.mark.parametrize("name", ["edit_file", "write_file"])
async def test_a_file_is_read_before_it_is_changed(call: Caller, workspace: Workspace, name: str) -> None:
    change = {"old_string": "x", "new_string": "y"} if name == "edit_file" else {"content": "y"}
    await workspace.run("echo x > a.txt; cat a.txt")
    refused = await call(name, path="./a.txt", **change)
    assert (refused.is_error, refused.error_type) == (True, "file_not_read")
    assert await workspace.read("a.txt") == b"x\n"


async def test_what_was_seen_is_known_after_the_worker_has_died_and_not_to_another_job(
    open_workspace: OpenWorkspace,
) -> None:
    job = uuid.uuid4()
    first = await open_workspace(job_id=job)
    await Caller(first)("write_file", path="a.txt", content="x")
    next_run = Caller(await open_workspace(job_id=job, epoch=2, sandbox_id=first.sandbox_id))
    assert not (await next_run("edit_file", path="a.txt", old_string="x", new_string="y")).is_error
    other = Caller(await open_workspace(sandbox_id=first.sandbox_id))
    refused = await other("edit_file", path="a.txt", old_string="y", new_string="z")
    assert refused.error_type == "file_not_read"


async def test_a_write_that_was_cut_off_before_its_record_is_made_again(
    call: Caller, workspace: Workspace
) -> None:
    await call("write_file", path="a.txt", content="x")
    await workspace.write("a.txt", b"y")  # as a write does before it is recorded
    assert not (await call("write_file", path="a.txt", content="y")).is_error


@pytest.mark.parametrize(
    "doing",
    [
        'rm -rf "$HOME/app"',
        'rm -rf "$HOME/app"; touch "$HOME/app"',
        'rm -rf "$HOME/app"; ln -s /nowhere "$HOME/app"',
        'chmod 000 "$HOME/app"',
        'rm -rf "$HOME"/* "$HOME"/.[!c]*',
    ],
)
async def test_whatever_becomes_of_the_workspace_each_tool_works_again(call: Caller, doing: str) -> None:
    await call("bash", command=doing)
    assert text(await call("bash", command="pwd")).endswith("/app\n[exit 0]")
    for name, given in (
        ("write_file", {"path": "b/c", "content": "two"}),
        ("read_file", {"path": "b/c"}),
        ("edit_file", {"path": "b/c", "old_string": "two", "new_string": "three"}),
        ("glob", {"pattern": "**/*"}),
        ("grep", {"pattern": "t"}),
    ):
        await call("bash", command=doing)
        outcome = await call(name, **given)
        # Where the files are gone, that is what is said; where they are only closed, they are there.
        assert outcome.error_type in ("", "file_not_found")


async def test_a_workspace_that_was_deleted_is_there_again(call: Caller) -> None:
    await call("write_file", path="a", content="one")
    await call("bash", command='rm -rf "$HOME/app"')
    assert text(await call("bash", command="pwd; ls -A")).endswith("/app\n[exit 0]")
    await call("bash", command='rm -rf "$HOME/app"')
    assert not (await call("write_file", path="b/c", content="two")).is_error
    assert text(await call("glob", pattern="**/*")) == "b/c"
