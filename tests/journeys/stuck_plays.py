"""Plays of models that get stuck: in every category, in circles, at the cap, and for lack of an answer."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.journeys.small_plays import APP

KEY = "sk-journey-0123456789"
KEY_NAME = "SHOP_API_KEY"

# A script that fails like a real program, whatever its arguments are.
FAILURES = {
    "code": ("NameError: name 'shelf' is not defined", 1),
    "env": ("curl: (6) Could not resolve host: parts.example.com", 6),
    "auth": ("fatal: Authentication failed for 'https://git.example.com/shop.git/'", 128),
    "permission": ("remote: Permission to shop/app.git denied to agent.", 1),
    "rate": ("HTTP 429 Too Many Requests: slow down", 1),
}
DIGEST = sha256(KEY.encode()).hexdigest()[:16]  # the play itself must not contain the key
PAY = f"""
[ -n "${KEY_NAME}" ] || {{ echo "Error: {KEY_NAME} is not set" >&2; exit 1; }}
echo "paid with ${KEY_NAME}"
echo "{KEY_NAME}=${KEY_NAME}" > .env
printf %s "${KEY_NAME}" | sha256sum | grep -q '^{DIGEST}' && echo kept > notes.txt
"""
OPTIONS = [
    {"value": "ages", "label": "Ages", "description": "5-6, 7-8"},
    {"value": "letters", "label": "Letters", "description": "S, M, L"},
]
ASK = {"ask_founder": {"problem": "Letters or ages?", "recommended_action": "Ages.", "options": OPTIONS}}


def write_plays(directory: Path) -> Path:
    _write(directory, "Trouble", _trouble())
    _write(directory, "Keys", _keys())
    _write(directory, "Asks", _asks(), change=[{**_step("ask-again", ASK), "next": "work-0"}])
    _write(
        directory,
        "Promise",
        _promise(),
        {"checks_failed": [_step("look", {"narrate": {"message": "I look at it."}})]},
    )
    _write(directory, "Circles", _circles(), {"answer": _on_to("mend")})
    return directory


def _trouble() -> list[dict[str, Any]]:
    """Three different attempts where trying helps, then the next failure; five questions in all."""
    steps = [*_beginning(*(_script(name, *failure) for name, failure in FAILURES.items()))]
    for name in FAILURES:
        attempts = 3 if name in ("code", "env") else 1
        steps += [_failing(f"{name}-{n}", f"sh ./{name}.sh --way-{n}") for n in range(1, attempts + 1)]
    return [*_onward(steps), *_finish()]


def _keys() -> list[dict[str, Any]]:
    """A key is missing; once it is there, a careless script prints it and writes it into a file."""
    wait = {**_step("wait"), "say": "I wait for the key.", "end": True, "until": {"note": "answer"}}
    steps = [*_beginning(("pay.sh", PAY)), _failing("pay", "sh ./pay.sh"), {**wait, "next": "pay-again"}]
    pay_again = _step("pay-again", {"bash": {"command": "sh ./pay.sh && cat .env"}})
    return [*_onward(steps), pay_again, _bye()]


def _asks() -> list[dict[str, Any]]:
    """A question, work that continues meanwhile, and a wait for the answer if it has not come."""
    work = [_step(f"work-{n}", {"bash": {"command": f"echo {n} >> work.txt; sleep 0.2"}}) for n in range(12)]
    for step in work:
        step["on"] = [{"when": {"error": True, "matches": "was interrupted"}, "goto": step["id"]}]
    wait = {**_step("wait"), "say": "I wait for your answer.", "end": True, "until": {"note": "answer"}}
    return [*_beginning(), _step("ask", ASK), *work, {**wait, "next": "keep"}, *_finish()]


def _promise() -> list[dict[str, Any]]:
    """The promise is not kept for three rounds; it is kept once the founder has answered."""
    wait = {**_step("wait"), "say": "I am done.", "end": True, "until": {"note": "answer"}}
    return [*_beginning(), {**wait, "next": "keep"}, *_finish()]


def _circles() -> list[dict[str, Any]]:
    """The same call again and again, until the founder has answered."""
    again = {**_step("again", {"bash": {"command": "ls notes"}}), "next": "again"}
    again["on"] = [{"when": {"error": True}, "goto": "again"}]
    mend = _step("mend", {"narrate": {"message": "I try another way."}})
    return [*_beginning(), again, mend, *_finish()]


# Shared by the plays


def _beginning(*files: tuple[str, str]) -> list[dict[str, Any]]:
    page = {"write_file": {"path": "index.html", "content": "<title>Notes</title><h1>Notes</h1>"}}
    app = {"write_file": {"path": "cofounder.json", "content": json.dumps(APP)}}
    scripts = [{"write_file": {"path": path, "content": content}} for path, content in files]
    return [_step("app", page, app, *scripts)]


def _finish() -> list[dict[str, Any]]:
    return [_step("keep", {"bash": {"command": "echo kept > notes.txt"}}), _bye()]


def _bye() -> dict[str, Any]:
    return {**_step("bye"), "say": "Done.", "end": True}


def _script(name: str, said: str, code: int) -> tuple[str, str]:
    return f"{name}.sh", f"cat >&2 <<'END'\n{said}\nEND\nexit {code}\n"


def _failing(name: str, command: str) -> dict[str, Any]:
    return _step(name, {"bash": {"command": command}})


def _onward(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """After a failure, the next step follows."""
    following = [step["id"] for step in steps[1:]]
    for step, target in zip(steps, [*following, ""], strict=True):
        if "call" in step:
            target = target or "keep"
            step["on"] = [{"when": {"error": True}, "goto": target}]
    return steps


def _on_to(target: str) -> list[dict[str, Any]]:
    return [{**_step("heard", {"narrate": {"message": "Thank you."}}), "next": target}]


def _step(name: str, *calls: dict[str, Any]) -> dict[str, Any]:
    return {"id": name, "think": f"Now {name}.", **({"call": [*calls]} if calls else {})}


def _write(
    directory: Path,
    project: str,
    steps: list[dict[str, Any]],
    notes: dict[str, Any] | None = None,
    change: list[dict[str, Any]] | None = None,
) -> None:
    handlers = [{"kind": kind, "steps": line} for kind, line in (notes or {}).items()]
    (directory / project).mkdir(parents=True)
    play = {"name": project.lower(), "project": project, "steps": steps, "notes": handlers}
    if change:
        play["change"] = change
    (directory / project / "play.yaml").write_text(json.dumps(play))
