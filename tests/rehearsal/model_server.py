"""A real rehearsal model on a free port, and a client that talks to it with the real SDK."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from anthropic import AsyncAnthropic

from rehearsal.anthropic_api.app import create_app
from rehearsal.serve import listen
from rehearsal.strict_yaml import load_yaml

MODEL = "claude-sonnet-5-5"
BETA = "compact-2026-09-04"
JOB = "11111111-2222-3333-4444-555555555555"
FOUNDER = json.dumps(
    {"project": "Shelf", "goal": "Lend", "idea_brief": {"must_have": ["a list"]}, "interview": []}
)
PERSONA = "You are a technical co-founder. " * 90
SYSTEM = [{"type": "text", "text": f"{PERSONA}\n<founder_input>\n{FOUNDER}\n</founder_input>"}]
TOOLS = [
    {"name": name, "description": f"{name} does it", "input_schema": {"type": "object", "properties": {}}}
    for name in ("bash", "write_file", "narrate", "ask_founder")
]
BEGIN = {"role": "user", "content": [{"type": "text", "text": '<note kind="start">Begin.</note>'}]}
PLAY = """
name: shelf
project: Shelf
steps:
  - id: write
    think: I write the app that {{ project }} needs.
    thinking_tokens: 500
    say: First the page.
    call:
      - write_file: {path: app.py, content: "{{ must_have[0] }}, long enough to come in several chunks"}
      - bash: {command: python3 app.py}
    on:
      - when: {error: true}
        goto: repair
  - id: bye
    think: All done.
    say: Done.
    end: true
  - id: repair
    think: It broke.
    call: [{bash: {command: "true"}}]
    next: bye
"""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def model_server(folder: Path, play: str = PLAY, **settings: Any) -> AsyncIterator[str]:
    """The server's URL, for as long as it uses this play."""
    (folder / "plays" / "shelf").mkdir(parents=True, exist_ok=True)
    (folder / "plays" / "shelf" / "play.yaml").write_text(play)
    app = create_app(folder / "plays", bill_path=folder / "billed.jsonl", **settings)
    server = _Server(uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1))
    with listen(0) as listener:
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running


class Model:
    """Talks to the server as the agent does."""

    def __init__(self, url: str, **settings: Any) -> None:
        self.url = url
        self.client = AsyncAnthropic(api_key="sk-test", base_url=url, max_retries=0, **settings)

    def request(self, messages: list[Any], **changes: Any) -> dict[str, Any]:
        return {
            "model": MODEL,
            "max_tokens": 4_000,
            "system": SYSTEM,
            "tools": TOOLS,
            "messages": messages,
            "thinking": {"type": "adaptive", "display": "summarized"},
            "cache_control": {"type": "ephemeral"},
            "betas": [BETA],
            "metadata": {"user_id": JOB},
        } | changes

    async def say(self, messages: list[Any], **changes: Any) -> Any:
        """The final message of a streamed answer."""
        async with self.client.beta.messages.stream(**self.request(messages, **changes)) as stream:
            return await stream.get_final_message()

    async def steer(self, *faults: dict[str, Any]) -> None:
        async with httpx.AsyncClient() as client:
            answer = await client.post(
                f"{self.url}/rehearsal/faults", json=list(faults), headers={"x-api-key": "k"}
            )
        assert answer.status_code == 200, answer.text

    async def billed(self) -> Any:
        async with httpx.AsyncClient() as client:
            return (await client.get(f"{self.url}/rehearsal/billed", params={"user_id": JOB})).json()


@contextlib.asynccontextmanager
async def model_client(
    folder: Path, play: str = PLAY, *, pace: float = 0.0, **settings: Any
) -> AsyncIterator[Model]:
    async with model_server(folder, play, pace=pace) as url:
        model = Model(url, **settings)
        async with model.client:
            yield model


def play_with_fault(fault: dict[str, Any]) -> str:
    document = load_yaml(PLAY)
    document["steps"][0]["fault"] = fault
    return json.dumps(document)


def answered(message: Any, text: str = "fine\n[exit 0]", *, error: bool = False, note: str = "") -> list[Any]:
    """The model's turn and the results of its calls, as the next messages."""
    results: list[dict[str, Any]] = [
        {
            "type": "tool_result",
            "tool_use_id": block.id,
            "content": [{"type": "text", "text": text}],
            "is_error": error,
        }
        for block in message.content
        if block.type == "tool_use"
    ]
    notes = [{"type": "text", "text": note}] if note else []
    return [message.to_param(), {"role": "user", "content": [*results, *notes]}]
