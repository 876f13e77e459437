"""Analyses shell commands: their parts, whether they only read, and what their success proves."""

import re
import shlex
from bisect import bisect_right
from dataclasses import dataclass

HEREDOC = re.compile(r"<<-?[ \t]*(['\"]?)(\w+)\1")
REDIRECTION = re.compile(r"\d?(?:>>?|<)(?:&\d|[ \t]*/dev/null)|&>[ \t]*/dev/null")
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
VERSION = re.compile(r"(?<=\w)(?:[=~!<>]=|@)[\d^~].*", re.DOTALL)  # of a package
LONGEST = 8_000  # characters without here-documents; a longer line is no command that a person would read
SEPARATOR = re.compile(r"[();<>|&\n]+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words before a command that do not change what it is.
WRAPPERS = frozenset({"sudo", "env", "time", "nohup", "exec", "command", "npx", "xvfb-run", "stdbuf"})
RUNNERS = frozenset({("poetry", "run"), ("uv", "run"), ("pipenv", "run"), ("bundle", "exec")})
LONGEST_PREFIX = 100  # words
# Preparations and shell keywords, which say nothing about the purpose of a line.
PREPARATIONS = _words(
    "cd export source . set echo printf true : sleep mkdir pwd wait for done fi esac exit trap else"
)
VIEWERS = _words("tail head cat tee less more")
LOOKS = _words(
    "ls cat head tail stat file wc find tree du df pwd which type ps pgrep pkill kill killall lsof ss "
    "netstat grep egrep fgrep rg ag test [ [[ diff cmp less more jq sort uniq id nl"
)
GIT_LOOKS = frozenset({"status", "log", "diff", "show", "grep", "ls-files", "rev-parse", "branch", "blame"})


@dataclass(frozen=True)
class Command:
    """A simple command, and the operator after it: `&&`, `||`, `|`, `;` or nothing."""

    words: tuple[str, ...]
    joint: str = ""

    @property
    def program(self) -> str:
        return self.words[0].rsplit("/", 1)[-1]

    @property
    def target(self) -> str:
        """The command without flags and versions, so that small variations of it compare equal."""
        named = [word for word in self.words[1:] if not word.startswith(("-", "+"))]
        return " ".join([self.program, *(VERSION.sub("", word) for word in named)])

    @property
    def is_preparation(self) -> bool:
        return self.program in PREPARATIONS

    @property
    def only_looks(self) -> bool:
        """Whether it only reads, so that its failure is a normal answer."""
        if self.program == "git":
            return len(self.words) > 1 and self.words[1] in GIT_LOOKS
        return self.program in LOOKS or (self.program == "sed" and "-n" in self.words)


def commands(line: str) -> list[Command]:
    """The simple commands of a line, in order; empty when it cannot be parsed or is too long for that."""
    bare = _without_bodies(line)
    if len(bare) > LONGEST:
        return []
    lexer = shlex.shlex(bare, posix=True, punctuation_chars="();<>|&\n")
    lexer.whitespace, lexer.commenters, lexer.whitespace_split = " \t\r", "", True
    try:
        return _joined(list(lexer))
    except ValueError:  # unclosed quotes
        return []


def approach(line: str) -> str:
    """The line without preparations and without pipes that only shorten its output."""
    parts = commands(line)
    kept = [part for part in parts if not part.is_preparation]
    while len(kept) > 1 and kept[-2].joint == "|" and kept[-1].program in VIEWERS:
        kept.pop()
    return "; ".join(" ".join(part.words) for part in kept) or " ".join(line.split())


def targets(line: str) -> frozenset[str]:
    """What the line works on: its commands without flags, preparations and commands that only read."""
    parts = [part for part in commands(line) if not part.is_preparation]
    acting = [part for part in parts if not part.only_looks]
    return frozenset(part.target for part in acting or parts) or frozenset({" ".join(line.split())[:200]})


def proven(line: str) -> frozenset[str]:
    """The targets that have certainly worked if the line exits with 0."""
    last_list: list[Command] = []
    for part in commands(line):
        last_list.append(part)
        if part.joint == ";":
            last_list = []
    last_list = last_list or commands(line)[-1:]
    if any(part.joint in ("|", "||") for part in last_list):
        return frozenset()
    return frozenset(part.target for part in last_list if not part.is_preparation)


def only_looks(line: str) -> bool:
    """Whether every command in the line only reads."""
    parts = [part for part in commands(line) if not part.is_preparation]
    writes = re.search(r"(?<![0-9&])>(?!&|[ \t]*/dev/null)", REDIRECTION.sub("", line))
    return bool(parts) and not writes and all(part.only_looks for part in parts)


def _without_bodies(line: str) -> str:
    """The line without here-documents, line continuations and discarded output."""
    return REDIRECTION.sub(" ", _without_heredocs(line).replace("\\\n", " "))


def _without_heredocs(text: str) -> str:
    """The text without the bodies of here-documents that are closed."""
    lines = text.split("\n")
    ends: dict[str, list[int]] = {}
    for number, line in enumerate(lines):
        ends.setdefault(line.strip(" \t"), []).append(number)
    kept = []
    number = 0
    while number < len(lines):
        line, end = lines[number], number
        for found in HEREDOC.finditer(line):
            places = ends.get(found.group(2), [])
            place = bisect_right(places, number)
            if place < len(places):
                line, end = line[: found.start()] + line[found.end() :], places[place]
                break
        kept.append(line)
        number = end + 1
    return "\n".join(kept)


def _joined(tokens: list[str]) -> list[Command]:
    found: list[Command] = []
    words: list[str] = []
    skip = False
    for token in [*tokens, ";"]:
        if not SEPARATOR.fullmatch(token):
            if not skip:
                words.append(token)
            skip = False
        elif set(token) <= set("<>&") and set(token) & set("<>"):
            skip = True  # a file name follows
        else:
            if bare := _bare(words):
                found.append(Command(bare, _joint(token)))
            words = []
    return found


def _joint(token: str) -> str:
    for joint in ("&&", "||", "|"):
        if token.startswith(joint):
            return joint
    return ";"


def _bare(words: list[str]) -> tuple[str, ...]:
    """The words without leading assignments and wrappers such as `sudo`."""
    rest = list(words[:LONGEST_PREFIX])
    while rest:
        if ASSIGNMENT.match(rest[0]) or rest[0] in WRAPPERS or rest[0] in ("!", "{", "}", "then", "do", "if"):
            rest = rest[1:]
        elif tuple(rest[:2]) in RUNNERS:
            rest = rest[2:]
        elif rest[0] == "timeout":
            rest = _after_timeout(rest[1:])
        elif rest[0].startswith("#"):
            rest = []
        elif rest[0].rsplit("/", 1)[-1].startswith("python") and rest[1:2] == ["-m"] and len(rest) > 2:
            rest = rest[2:]
        else:
            break
    return (*rest, *words[LONGEST_PREFIX:])


def _after_timeout(words: list[str]) -> list[str]:
    while words and (words[0].startswith("-") or re.fullmatch(r"[\d.]+[smhd]?", words[0])):
        words = words[1:]
    return words
