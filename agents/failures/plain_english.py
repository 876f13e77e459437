"""Describes failures for people who do not write software: no class names, traces, paths or flags."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from agents.failures.categories import Category
from agents.failures.failure import Failure
from agents.failures.services import service_of
from agents.failures.tried import doing, listed, setting
from agents.turns import ToolCall

Option = dict[str, str]

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
        (r"externally-managed", "the system lets nothing be installed there"),
        (r"database is locked", "the database was busy"),
        (
            r"no such (?:table|column)|(?:relation|column|table|database|role) \S+ .*does(?:n't| not) exist",
            "something was missing in the database",
        ),
        (
            r"violates .*constraint|IntegrityError|duplicate key",
            "the database did not accept the data",
        ),
        (
            r"CONFLICT|merge conflict|non-fast-forward|rejected|failed to push some refs",
            "it clashed with another version of the work",
        ),
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
    Category.AUTHENTICATION: "{service} refused the sign-in",
    Category.PERMISSION: "{service} did not allow it",
    Category.MISSING_CREDENTIALS: "{key} was missing",
    Category.RATE_LIMIT: "{service} took no more requests",
}
SOMEBODY = "the service"
_NETWORK = frozenset(
    {
        "the address could not be found",
        "nothing answered there",
        "the connection could not be trusted",
        "it did not finish in time",
    }
)


UNKNOWN = "it did not work"


def came_back(failure: Failure, service: str = "") -> str:
    """What went wrong: the words after a colon."""
    if failure.failing:
        return "one test failed" if failure.failing == 1 else f"{failure.failing} tests failed"
    if words := _REFUSED.get(failure.category):
        return words.format(service=service or SOMEBODY, key=_key(failure, service))
    for pattern, words in _CAME_BACK:
        if match := pattern.search(failure.text):
            where = f" ({service})" if words in _NETWORK and service not in ("", IT) else ""
            return words.format(*match.groups()) + where
    return UNKNOWN


def attempt(call: ToolCall, failure: Failure, files_changed: Sequence[str]) -> str:
    """One attempt as a sentence."""
    result = came_back(failure, _it(call, _service(call, failure)))
    return f"{_before(files_changed)}I tried to {doing(call)}{setting(call)}: {result}."


def _before(paths: Sequence[str]) -> str:
    if not paths:
        return ""
    names = [PurePosixPath(path).stem.replace("_", " ") for path in paths]
    plural = "file" if len(names) == 1 else "files"
    named = f" ({listed(names)})" if len(names) <= MOST_NAMED and all(map(_NAME.fullmatch, names)) else ""
    return f"After changing {len(names)} {plural}{named}, "


def distinct(attempts: Sequence[str]) -> list[str]:
    """The attempts' sentences, none like an earlier one: each was made in another way, or after a change."""
    told: list[str] = []
    for sentence in attempts:
        number = attempts[: len(told)].count(sentence)
        told.append(_again(sentence, number) if number else sentence)
    return told


def _again(sentence: str, number: int) -> str:
    if sentence.startswith("After changing "):
        more = "once more" if number == 1 else f"for the {_ORDINALS.get(number, 'last')} time"
        return sentence.replace(", I tried to ", f" {more}, I tried to ", 1)
    return sentence.replace("I tried to ", f"I tried {_WAYS.get(number, 'yet another way')} to ", 1)


_ORDINALS = {2: "third", 3: "fourth"}
_WAYS = {1: "a second way", 2: "a third way"}
MOST_NAMED = 3  # files
_NAME = re.compile(r"[A-Za-z][\w -]{0,30}")


def _service(call: ToolCall, failure: Failure) -> str:
    return service_of(str(call.input.get("command", "")), failure.text)


def _it(call: ToolCall, service: str) -> str:
    """The service, named once in a sentence."""
    return IT if service and doing(call) == f"reach {service}" else service


IT = "it"


# The question

_KEY = re.compile(
    r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*_(?:KEY|KEY_ID|TOKEN|SECRET|PASSWORD|SID|ID|CREDENTIALS|APIKEY)\b"
)

_PROBLEMS = {
    Category.AUTHENTICATION: (
        "I tried to {doing}, but {service} refused the sign-in: the key or password that I have is not valid."
    ),
    Category.PERMISSION: "I tried to {doing}, but {service} does not allow it with the access that I have.",
    Category.MISSING_CREDENTIALS: "I tried to {doing}, but I need {key}, which only you can give me.",
    Category.RATE_LIMIT: (
        "I tried to {doing}, but {service} takes no more requests from us for now: "
        "a limit is reached, or the credit there is used up."
    ),
    Category.CODE_ERROR: "I tried {times} to {doing}, but it still does not work{why}.",
    Category.ENV_ERROR: "I tried {times} to {doing}, but something it depends on does not work{why}.",
}
_RECOMMENDED = {
    Category.AUTHENTICATION: (
        "Give me a key or password for {service} that works. It is stored encrypted, and I go on at once."
    ),
    Category.PERMISSION: (
        "Give me access to {service} that is allowed to do this, or let me leave it out for now."
    ),
    Category.MISSING_CREDENTIALS: "Give me {key}. It is stored encrypted, and I go on at once.",
    Category.RATE_LIMIT: (
        "Let me leave this out for now; it can be added once {service} takes requests again. "
        "If the account there is yours, look at its limits and its credit."
    ),
    Category.CODE_ERROR: "Let me build a simpler version of this that I can make work.",
    Category.ENV_ERROR: "Let me look for a simpler way to do this that works here.",
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
    service = _it(call, _service(call, failure))
    return where + _PROBLEMS[failure.category].format(
        doing=doing(call),
        service=service or SOMEBODY,
        why="" if (words := came_back(failure, service)) == UNKNOWN else f": {words}",
        key=_key(failure, service),
        times=_TIMES.get(attempts, f"{attempts} times"),
    )


def recommended(call: ToolCall, failure: Failure) -> str:
    service = _service(call, failure)
    return _RECOMMENDED[failure.category].format(key=_key(failure, service), service=service or SOMEBODY)


def options(category: Category) -> list[Option]:
    return [dict(option) for option in _OPTIONS[category]]


def _key(failure: Failure, service: str) -> str:
    name = _KEY.search(failure.text)
    whose = f" for {service}" if service not in ("", IT) else ""
    return f"the key {name.group()}{whose}" if name else f"a key or password{whose}"
