"""The commands shown in the documents exist, with the options shown."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

REPOSITORY = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *(REPOSITORY / "docs").glob("*.md")]
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
MENTION = re.compile(r"`((?:make|manage\.py) [^`]+)`")
PROGRAMS = {"make", "export", "curl", "grep", "daphne", "python"}


def commands(document: Path) -> list[list[str]]:
    """Each command in the code blocks and in the text, split into words."""
    text = document.read_text()
    shown = [words for block in BLOCK.findall(text) for words in split(block)]
    return shown + [shlex.split(mention) for mention in MENTION.findall(text)]


def split(block: str) -> list[list[str]]:
    """The commands of a block; a line break inside quotes or after a backslash does not end one."""
    found, pending = [], ""
    for line in block.splitlines():
        pending += line + "\n"
        try:
            words = shlex.split(pending.replace("\\\n", " "))
        except ValueError:
            continue
        if not line.endswith("\\") and words:
            found.append(words)
            pending = ""
    assert not pending.strip(), f"a quotation is not closed: {pending}"
    return found


ALL = [(path.name, words) for path in DOCUMENTS for words in commands(path)]
MAKE = sorted({words[1] for _, words in ALL if words[0] == "make"})
MANAGE = [words[index + 1 :] for _, words in ALL for index, word in enumerate(words) if word == "manage.py"]


def test_the_readme_shows_the_two_commands_first() -> None:
    readme = REPOSITORY / "README.md"

    assert split(BLOCK.findall(readme.read_text())[0]) == [["make", "demo"], ["make", "test"]]
    assert readme.read_text().index("docs/images/build.webp") < 800


def test_no_block_uses_a_program_a_stranger_has_not() -> None:
    used = {
        Path(words[0]).name
        for path in DOCUMENTS
        for block in BLOCK.findall(path.read_text())
        for words in split(block)
    }

    assert used <= PROGRAMS


@pytest.mark.parametrize("target", MAKE)
def test_each_make_target_exists(target: str) -> None:
    command = ["make", "--dry-run", "--always-make", target]

    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)


@pytest.mark.parametrize("words", MANAGE, ids=" ".join)
def test_each_manage_command_takes_the_options_it_is_shown_with(words: list[str]) -> None:
    name = words[0]
    command = load_command_class(get_commands()[name], name)
    parser = command.create_parser("manage.py", name)
    known = {option for action in parser._actions for option in action.option_strings}

    assert {word for word in words[1:] if word.startswith("-")} <= known


@pytest.mark.parametrize("words", [words for words in MANAGE if "--brief" in words], ids=" ".join)
def test_each_brief_that_is_named_exists(words: list[str]) -> None:
    brief = words[words.index("--brief") + 1]

    assert brief == "FILE" or (REPOSITORY / brief).is_file()
