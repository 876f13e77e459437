"""A founder answers waiting agents; how soon a real worker makes the next model call."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from agents.models import AgentSession, SessionState
from bench.systems.ours import new_build
from cofounder.config import environment
from escalations.answers import resolve
from escalations.models import AgentEscalation
from jobs.models import Job

QUESTIONS = 4  # in one build; the fifth would pause it
LIMIT_SECONDS = 120.0


def play() -> dict[str, Any]:
    """A model that asks, ends its turn, and asks the next question once it has been answered."""
    options = [{"value": name, "label": name, "description": name} for name in ("ages", "letters")]
    steps: list[dict[str, Any]] = [_step("begin", {"write_file": {"path": "notes.txt", "content": "Notes"}})]
    for n in range(QUESTIONS):
        words = {"problem": f"Question {n}?", "recommended_action": "Ages.", "options": options}
        until = {"note": "answer", "matches": f"Question {n}"}
        wait = {"id": f"wait-{n}", "think": "I wait.", "say": "I wait.", "end": True, "until": until}
        following = f"ask-{n + 1}" if n + 1 < QUESTIONS else "bye"
        steps += [_step(f"ask-{n}", {"ask_founder": words}), {**wait, "next": following}]
    return {"name": "asks", "project": "*", "steps": [*steps, _bye()]}


def _step(name: str, call: dict[str, Any]) -> dict[str, Any]:
    return {"id": name, "think": f"Now {name}.", "call": [call]}


def _bye() -> dict[str, Any]:
    return {"id": "bye", "think": "Done.", "say": "Done.", "end": True}


def start_rehearsal(directory: Path) -> tuple[subprocess.Popen[str], dict[str, str]]:
    (directory / "plays" / "asks").mkdir(parents=True)
    (directory / "plays" / "asks" / "play.yaml").write_text(json.dumps(play()))
    options = ["--data-dir", str(directory / "data"), "--plays", str(directory / "plays"), "--pace", "0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "rehearsal", *options], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    urls: dict[str, str] = json.loads(process.stdout.readline())
    return process, urls


def start_worker(urls: dict[str, str]) -> subprocess.Popen[bytes]:
    env = {
        **os.environ,
        "ANTHROPIC_API_KEY": "rehearsal",
        "ANTHROPIC_BASE_URL": urls["anthropic_url"],
        "E2B_API_KEY": Path(urls["e2b_api_key_file"]).read_text(),
        "E2B_API_URL": urls["e2b_api_url"],
        "E2B_SANDBOX_URL": urls["e2b_sandbox_url"],
    }
    command = [sys.executable, "manage.py", "run_worker"]
    return subprocess.Popen(
        command, env=env, cwd=environment.BASE_DIR, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def until(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise TimeoutError(what)


def waiting_question(job: Job) -> AgentEscalation | None:
    """The open question of a waiting agent, once nothing is running any more."""
    if AgentSession.objects.get(pk=job.pk).state != SessionState.WAITING_FOR_INPUT:
        return None
    return AgentEscalation.objects.filter(job=job, status=AgentEscalation.Status.PENDING).first()


def seconds_to_next_call(job: Job, heard: str) -> float:
    """From just before the answer is written until the model call that contains it arrives."""
    question: AgentEscalation = until(lambda: waiting_question(job), "a question")
    time.sleep(0.3)  # the worker is free again
    began = time.time()
    resolve(question.pk, decision="ages", by=job.project.owner)

    def arrival() -> float | None:
        requests = httpx.get(heard, params={"user_id": str(job.pk)}).json()["requests"]
        return next((one["at"] for one in requests if one["at"] > began), None)

    return float(until(arrival, "the next call")) - began


def main() -> None:
    builds = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as directory:
        rehearsal, urls = start_rehearsal(Path(directory))
        worker = start_worker(urls)
        try:
            heard = f"{urls['anthropic_url']}/rehearsal/heard"
            seconds = []
            for number in range(builds):
                job = new_build(f"founder-{number}")
                seconds += [seconds_to_next_call(job, heard) for _ in range(QUESTIONS)]
        finally:
            worker.terminate()
            worker.wait(60)
            rehearsal.terminate()
            rehearsal.wait(60)
    print(json.dumps({"seconds": seconds}))
