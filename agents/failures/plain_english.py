"""Describes failures for people who do not write software: no class names, traces, paths or flags."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from agents.failures import command_line
from agents.failures.categories import Category
from agents.failures.failure import Failure
from agents.failures.test_output import is_test_run
from agents.turns import ToolCall

Option = dict[str, str]

# What was tried

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
_FILE_TOOLS = {"write_file": "save a file", "edit_file": "change a file", "read_file": "read a file"}
_PLAIN_WORD = re.compile(r"[A-Za-z][a-z0-9_-]{0,29}")
_PACKAGE = re.compile(r"(@?[A-Za-z][\w.-]*(?:/[\w.-]+)?)")
_HOST = re.compile(r"https?://([\w.-]+)")


def doing(call: ToolCall) -> str:
    """What the call was meant to do: the words after “I tried to”."""
    if call.name in ("take_screenshot", "use_app"):
        return "look at the page" if call.name == "take_screenshot" else "use the app as a visitor"
    if call.name != "bash":
        return _FILE_TOOLS.get(call.name, "take a step")
    line = str(call.input.get("command", ""))
    parts = [part for part in command_line.commands(line) if not part.is_preparation]
    if not parts:
        return "run a command"
    if is_test_run(line):
        return "run the product's tests"
    told = [_describe(part) for part in parts if not part.only_looks] or [_describe(parts[-1])]
    return " and ".join(dict.fromkeys(told[:2]))


def _describe(command: command_line.Command) -> str:
    text = command.target
    if (command.program, *command.words[1:2]) in _INSTALLERS:
        return _install(command)
    if command.program == "git":
        return "sync the code with its online copy" if _is_remote(command) else "save a version of the work"
    if command.program in ("curl", "wget", "http"):
        return _fetch(text)
    if command.program in ("docker", "podman"):
        return "start a part of the product in a container"
    for pattern, words in (
        (_DATABASE, "prepare the database"),
        (_CHECK, "check the code for mistakes"),
        (_BUILD, "build the product"),
        (_START, "start the product"),
    ):
        if pattern.search(text):
            return words
    return f"run “{_words(command)}”"


def _install(command: command_line.Command) -> str:
    names = [
        match.group(1)
        for word in command.target.split()[2:]
        if (match := _PACKAGE.match(word)) and not word.endswith((".txt", ".toml", ".whl"))
    ]
    return f"install {_listed(names[:4])}" if names else "install what the product needs"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _is_remote(command: command_line.Command) -> bool:
    return bool({"push", "pull", "fetch", "clone", "remote"} & set(command.words[1:2]))


def _fetch(text: str) -> str:
    host = _HOST.search(text)
    is_own = host is None or host.group(1) in ("localhost", "127.0.0.1", "0.0.0.0")  # noqa: S104
    return "open the running product" if is_own or host is None else f"reach {host.group(1)}"


def _words(command: command_line.Command) -> str:
    """The command in plain words: a script by its name, without its folder and file ending."""
    names = [PurePosixPath(word).stem if "." in word else word for word in command.words]
    words = [word for word in (names[0].rsplit("/", 1)[-1], *names[1:]) if _PLAIN_WORD.fullmatch(word)]
    return " ".join(words[:5]) or "a command"


_SETTING = re.compile(r"--([a-z][a-z-]{2,30})(?==|$)")


def setting(call: ToolCall) -> str:
    """The attempt's options as words in brackets; "" when there are none."""
    words = [
        word for part in command_line.commands(str(call.input.get("command", ""))) for word in part.words
    ]
    names = [match.group(1).replace("-", " ") for word in words if (match := _SETTING.match(word))]
    return f" ({_listed(names[:3])})" if names else ""


# What went wrong

_CAME_BACK = tuple(
    (re.compile(pattern, re.IGNORECASE | re.MULTILINE), words)
    for pattern, words in (
        (
            r"pg_config|\.h: No such file|cannot find -l|No package '",
            "a part of the system that it needs was missing",
        ),
        (
            r"(?:No module named|Cannot find (?:module|package)) ['\"]?(@?[\w-]+(?:/[\w-]+)?)",
            "a building block, {0}, was missing",
        ),
        (
            r"No matching distribution|E404|ETARGET|Unable to locate package|\b404 Not Found\b",
            "what it asked for does not exist",
        ),
        (
            r"ERESOLVE|ResolutionImpossible|conflicting dependencies|unmet dependencies",
            "some building blocks do not fit together",
        ),
        (r"EADDRINUSE|already in use|already allocated", "something else was already running in its place"),
        (
            r"could(?: not|n't) resolve|ENOTFOUND|EAI_AGAIN|getaddrinfo|name resolution",
            "the address could not be found",
        ),
        (
            r"ECONNREFUSED|connection refused|failed to connect|could not connect|Nothing answers",
            "nothing answered there",
        ),
        (r"no space left|ENOSPC|quota exceeded", "the disk was full"),
        (
            r"out of memory|MemoryError|heap out|cannot allocate|^killed",
            "it needed more memory than there is",
        ),
        (r"Not finished after|timed out|ETIMEDOUT|timeout", "it did not finish in time"),
        (r"command not found|: not found$|spawn \S+ ENOENT", "a program that it needs is not installed"),
        (r"certificate", "the connection could not be trusted"),
        (r"database is locked", "the database was busy"),
        (
            r"no such (?:table|column)|(?:relation|column|table|database|role) \S+ .*does(?:n't| not) exist",
            "something was missing in the database",
        ),
        (
            r"violates .*constraint|IntegrityError|duplicate key",
            "the database did not accept the data",
        ),
        (r"CONFLICT|merge conflict|non-fast-forward|rejected", "it clashed with another version of the work"),
        (
            r"SyntaxError|syntax error|IndentationError|unexpected token|expected ';'|parse error",
            "a part of the code was not written correctly",
        ),
        (
            r"error TS\d|error\[E\d|\bnot assignable|incompatible types|cannot find (?:name|symbol)",
            "parts of the code did not fit together",
        ),
        (r"No such file|ENOENT|FileNotFound", "a file that it needs was missing"),
        (r"\w+(?:Error|Exception)\b|panic|segmentation fault|Traceback", "the code stopped with an error"),
    )
)
_REFUSED = {
    Category.AUTHENTICATION: "the sign-in was refused",
    Category.PERMISSION: "it was not allowed",
    Category.MISSING_CREDENTIALS: "a key or password was missing",
    Category.RATE_LIMIT: "too many requests had been made already",
}


UNKNOWN = "it did not work"


def came_back(failure: Failure) -> str:
    """What went wrong: the words after a colon."""
    if failure.failing:
        return "one test failed" if failure.failing == 1 else f"{failure.failing} tests failed"
    if words := _REFUSED.get(failure.category):
        return words
    for pattern, words in _CAME_BACK:
        if match := pattern.search(failure.text):
            return words.format(*match.groups())
    return UNKNOWN


def attempt(call: ToolCall, failure: Failure, files_changed: int) -> str:
    """One attempt as a sentence."""
    plural = "file" if files_changed == 1 else "files"
    before = f"After changing {files_changed} {plural}, " if files_changed else ""
    return f"{before}I tried to {doing(call)}{setting(call)}: {came_back(failure)}."


# The question

_KEY = re.compile(
    r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*_(?:KEY|KEY_ID|TOKEN|SECRET|PASSWORD|SID|ID|CREDENTIALS|APIKEY)\b"
)

_PROBLEMS = {
    Category.AUTHENTICATION: "I tried to {doing}, but the sign-in was refused: my credentials are not valid.",
    Category.PERMISSION: "I tried to {doing}, but I am not allowed to.",
    Category.MISSING_CREDENTIALS: "I tried to {doing}, but I need {key}, which only you can give me.",
    Category.RATE_LIMIT: "I tried to {doing}, but the service accepts no more requests from us for now.",
    Category.CODE_ERROR: "I tried {times} to {doing}, but it still does not work{why}.",
    Category.ENV_ERROR: "I tried {times} to {doing}, but something it depends on does not work{why}.",
}
_RECOMMENDED = {
    Category.AUTHENTICATION: "Give me credentials that work. They are stored encrypted, and I go on at once.",
    Category.PERMISSION: "Give me credentials that are allowed to do this, or let me leave it out for now.",
    Category.MISSING_CREDENTIALS: "Give me {key}. It is stored encrypted, and I go on at once.",
    Category.RATE_LIMIT: "Let me leave this out for now; it can be added once the service is available.",
    Category.CODE_ERROR: "Let me build a simpler version of this that I can make work.",
    Category.ENV_ERROR: "Let me build a simpler version that does not depend on this.",
}
_SKIP = {
    "value": "skip_feature",
    "label": "Leave it out",
    "description": "I build the rest without this. It can be added later.",
}
_SIMPLER = {
    "value": "simpler_version",
    "label": "Make it simpler",
    "description": "I build a simpler version of this part that I can make work.",
}
_GUIDANCE = {
    "value": "provide_guidance",
    "label": "Tell me more",
    "description": "You tell me in your own words what I should do.",
}
_CREDENTIALS = {
    "value": "provide_credentials",
    "label": "Give me access",
    "description": "You enter the key or password, which is stored encrypted, and I try again.",
}
_OPTIONS = {
    Category.AUTHENTICATION: (_CREDENTIALS, _SKIP),
    Category.PERMISSION: (_CREDENTIALS, _SKIP, _GUIDANCE),
    Category.MISSING_CREDENTIALS: (_CREDENTIALS, _SKIP),
    Category.RATE_LIMIT: (_SKIP, _SIMPLER, _GUIDANCE),
    Category.CODE_ERROR: (_SIMPLER, _SKIP, _GUIDANCE),
    Category.ENV_ERROR: (_SIMPLER, _SKIP, _GUIDANCE),
}
_TIMES = {1: "once", 2: "twice", 3: "three times"}


def problem(call: ToolCall, failure: Failure, *, phase: str, attempts: int) -> str:
    """The question's first sentence: what the agent was doing, and what is in its way."""
    where = f"While working on “{phase}”, " if phase else ""
    return where + _PROBLEMS[failure.category].format(
        doing=doing(call),
        why="" if (words := came_back(failure)) == UNKNOWN else f": {words}",
        key=_key(failure),
        times=_TIMES.get(attempts, f"{attempts} times"),
    )


def recommended(failure: Failure) -> str:
    return _RECOMMENDED[failure.category].format(key=_key(failure))


def options(category: Category) -> list[Option]:
    return [dict(option) for option in _OPTIONS[category]]


def _key(failure: Failure) -> str:
    name = _KEY.search(failure.text)
    return f"the key {name.group()}" if name else "a key or password"
