"""A rehearsal model that interviews, and a founder who answers it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pytest_django import Settings

from agents.database import in_thread
from agents.interview import call, desk
from agents.interview.values import How
from agents.llm.retry import Patience
from agents.models import InterviewProgress
from cofounder.models import User
from tests.rehearsal.model_server import model_server

QUICK = Patience(deadline=1.0, stall=0.5, first_pause=0.01, longest_pause=0.05)
BAKERY = "A page for my bakery where people order bread for Saturday"


class Interview:
    """An interview whose calls run at once, as a worker would run them."""

    def __init__(self, url: str, user: User) -> None:
        self.url, self.user = url, user
        self.progress: InterviewProgress

    async def begin(self, text: str = BAKERY) -> InterviewProgress:
        self.progress = await in_thread(desk.begin, self.user, text)
        return await self.think()

    async def think(self) -> InterviewProgress:
        await self.refresh()
        await call.ask(self.progress.pk, self.progress.version, QUICK)
        return await self.refresh()

    async def refresh(self) -> InterviewProgress:
        found = InterviewProgress.objects.select_related("interview")
        self.progress = await in_thread(lambda: found.get(pk=self.progress.pk))
        return self.progress

    async def answer(self, how: How = How.OPTION, text: str = "", **options: Any) -> InterviewProgress:
        """Answer the open question (or the one named), by its first choice unless told otherwise."""
        question_id = options.pop("question_id", None) or self.open_id
        if how == How.OPTION and not text:
            text = self.progress.interview.details[question_id]["recommended"]
        await in_thread(desk.answer, self.progress.pk, question_id, how, text, **options)
        return await self.think()

    @property
    def open_id(self) -> str:
        details = self.progress.interview.details
        return str(next(key for key, detail in details.items() if detail["state"] == "open"))

    @property
    def asked(self) -> list[str]:
        """The topics so far."""
        return [detail["topic"] for detail in self.progress.interview.details.values()]

    async def fail_with(self, *faults: dict[str, Any]) -> None:
        async with httpx.AsyncClient() as client:
            (await client.post(f"{self.url}/rehearsal/faults", json=list(faults))).raise_for_status()

    async def heard(self) -> list[dict[str, Any]]:
        """What the model was sent."""
        async with httpx.AsyncClient() as client:
            answer = await client.get(
                f"{self.url}/rehearsal/heard", params={"user_id": str(self.progress.pk)}
            )
        return list(answer.json()["latest"])


@pytest.fixture
async def interview(
    tmp_path: Path, settings: Settings, founder: User, transactional_db: None
) -> AsyncIterator[Interview]:
    settings.ANTHROPIC_API_KEY = "a key"
    async with model_server(tmp_path) as url:
        settings.ANTHROPIC_BASE_URL = url
        yield Interview(url, founder)
