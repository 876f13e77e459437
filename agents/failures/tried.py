"""What a call was meant to do, for people who do not write software: no paths, flags or code."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from agents.failures import command_line
from agents.failures.test_output import is_test_run
from agents.turns import ToolCall

_INSTALLERS = {
    ("pip", "install"),
    ("pip3", "install"),
    ("npm", "install"),
    ("npm", "i"),
    ("npm", "ci"),
    ("npm", "add"),
    ("yarn", "add"),
    ("yarn", "install"),
    ("pnpm", "add"),
    ("pnpm", "install"),
    ("bun", "add"),
    ("bun", "install"),
    ("apt", "install"),
    ("apt-get", "install"),
    ("apk", "add"),
    ("gem", "install"),
    ("bundle", "install"),
    ("cargo", "add"),
    ("cargo", "install"),
    ("go", "get"),
    ("go", "install"),
    ("uv", "add"),
    ("uv", "sync"),
    ("poetry", "add"),
    ("poetry", "install"),
    ("composer", "require"),
    ("brew", "install"),
    ("playwright", "install"),
}
_DATABASE = re.compile(
    r"^(?:psql|createdb|dropdb|pg_ctl|initdb|mysql|sqlite3|mongosh|redis-cli|alembic|prisma|knex|sequelize)\b"
    r"|\b(?:migrate|makemigrations|db:\w+|seed)\b"
)
_START = re.compile(
    r"^(?:uvicorn|gunicorn|hypercorn|daphne|nodemon|rackup|flask run|(?:npm|yarn|pnpm|bun)(?: run)? "
    r"(?:start|dev|serve|preview)|next (?:dev|start)|vite(?: preview| dev)?$|rails s\w*"
    r"|python3? (?:app|main|server|run|wsgi|manage)\.py(?: run\S*)?(?: \S*\d)?$"
    r"|node (?:\S*/)?(?:app|index|main|server)(?:\.\w+)?$"
    r"|go run|cargo run|docker compose up)"
)
_BUILD = re.compile(
    r"^(?:make\b|tsc\b|webpack\b|rollup\b|esbuild\b|gcc\b|g\+\+|clang\b|javac\b|mvn\b|gradle\b"
    r"|cargo (?:build|check)|go build|(?:npm|yarn|pnpm|bun) run build|next build|vite build"
    r"|docker build|python3? setup\.py)"
)
_CHECK = re.compile(
    r"^(?:ruff|flake8|mypy|pyright|black|eslint|prettier|pylint|cargo clippy|go vet)\b|\blint\b"
)
_INTERPRETERS = frozenset(
    {"python", "python3", "node", "ruby", "php", "perl", "bash", "sh", "deno", "bun", "tsx", "ts-node"}
)
_INLINE = frozenset({"-c", "-e", "-p", "-r", "--eval", "-"})  # the script itself follows
_IMPORT = re.compile(r"(?:\bimport|\bfrom|\brequire\()\s*['\"]?(@?[A-Za-z][\w/-]*)")
_EVERYDAY = frozenset({"os", "sys", "json", "time", "re", "subprocess", "pathlib", "datetime", "fs", "path"})
LONGEST_NUMBER = 5
_FILE_TOOLS = {"write_file": "save a file", "edit_file": "change a file", "read_file": "read a file"}
_PLAIN_WORD = re.compile(r"[A-Za-z][a-z0-9_-]{0,29}")
_PACKAGE = re.compile(r"(@?[A-Za-z][\w.-]*(?:/[\w.-]+)?)")
_HOST = re.compile(r"https?://([\w.-]+)")


def doing(call: ToolCall) -> str:
    """What the call was meant to do: the words after “I tried to”."""
    if call.name == "take_screenshot":
        return "look at the page"
    if call.name == "use_app":
        return "use the app as a visitor"
    if call.name != "bash":
        return _FILE_TOOLS.get(call.name, "take a step")
    line = str(call.input.get("command", ""))
    parts = [part for part in command_line.commands(line) if not part.is_preparation]
    if not parts:
        return "run a command"
    if is_test_run(line):
        return "run the product's tests"
    told = [_describe(part, line) for part in parts if not part.only_looks] or [_describe(parts[-1], line)]
    return " and ".join(dict.fromkeys(told[:2]))


def _describe(command: command_line.Command, line: str) -> str:
    text = command.target
    if (command.program, *command.words[1:2]) in _INSTALLERS:
        return _install(command)
    if command.program == "git":
        return "sync the code with its online copy" if _is_remote(command) else "save a version of the work"
    if command.program in ("curl", "wget", "http"):
        return _fetch(text)
    if command.program in ("docker", "podman"):
        if command.words[1:2] in (("pull",), ("push",), ("login",)):
            return "exchange a container with its registry"
        return "start a part of the product in a container"
    for pattern, words in (
        (_DATABASE, "prepare the database"),
        (_CHECK, "check the code for mistakes"),
        (_BUILD, "build the product"),
        (_START, "start the product"),
    ):
        if pattern.search(text):
            return words
    return _run(command, line)


def _run(command: command_line.Command, line: str) -> str:
    """A script by its name; one that stands in the command itself by what it uses."""
    if command.program not in _INTERPRETERS:
        words = [word for word in command.words[1:] if "." not in word and "/" not in word]
        return f"run “{_plain((command.program, *words))}”"
    rest = command.words[1:]
    if not rest or rest[0] in _INLINE:
        uses = [name for name in _IMPORT.findall(line[: command_line.LONGEST]) if name not in _EVERYDAY]
        return (
            f"run a short script with {listed([*dict.fromkeys(uses)][:3])}" if uses else "run a short script"
        )
    return f"run the script “{_plain([word for word in rest if not word.startswith('-')])}”"


def _plain(words: Sequence[str]) -> str:
    """Words of a command without folders, file endings, flags and values."""
    names = [PurePosixPath(word).stem if "." in word else word for word in words]
    plain = [word for word in (names[0].rsplit("/", 1)[-1], *names[1:]) if _PLAIN_WORD.fullmatch(word)]
    return " ".join(plain[:5]).replace("_", " ") or "a command"


def _install(command: command_line.Command) -> str:
    names = [
        match.group(1)
        for word in command.target.split()[2:]
        if (match := _PACKAGE.match(word)) and not word.endswith((".txt", ".toml", ".whl"))
    ]
    return f"install {listed(names[:4])}" if names else "install what the product needs"


def listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _is_remote(command: command_line.Command) -> bool:
    return bool({"push", "pull", "fetch", "clone", "remote"} & set(command.words[1:2]))


def _fetch(text: str) -> str:
    host = _HOST.search(text)
    is_own = host is None or host.group(1) in ("localhost", "127.0.0.1", "0.0.0.0")  # noqa: S104
    return "open the running product" if is_own or host is None else f"reach {host.group(1)}"


_SETTING = re.compile(r"--([a-z][a-z-]{2,30})(?==|$)")
_ASSIGNED = re.compile(r"(?:^|[\s;&|])([A-Z][A-Z0-9_]{2,30})=(\S*)")
_VERSION = re.compile(r"\w(?:==|@)v?(\d[\w.]{0,20})")
_PORT = re.compile(r"(?:\bport\b\W{0,4}|['\"], ?)(\d{2,5})\b", re.IGNORECASE)


def setting(call: ToolCall) -> str:
    """What tells the attempt from others of its kind, in brackets; "" when there is nothing."""
    line = str(call.input.get("command", ""))[: command_line.LONGEST]
    words = [word for part in command_line.commands(line) for word in part.words]
    told = [f"version {number}" for word in words for number in _VERSION.findall(word)]
    told += [f"port {number}" for number in _PORT.findall(line)]
    told += [match.group(1).replace("-", " ") for word in words if (match := _SETTING.match(word))]
    told += [_assigned(*pair) for pair in _ASSIGNED.findall(line)]
    names = list(dict.fromkeys(told))
    return f" ({listed(names[:3])})" if names else ""


def _assigned(name: str, value: str) -> str:
    """A value is told only where it can be no secret."""
    words = name.lower().replace("_", " ")
    return f"{words} {value}" if value.isdigit() and len(value) <= LONGEST_NUMBER else words
