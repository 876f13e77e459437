"""The WebSocket of an interview: says that it has changed. The page then asks for what it shows."""

import json
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from jobs.doorbell import interview_group
from jobs.models import UnderstandingSession
from jobs.sockets.consumer import NOT_FOUND, NOT_SIGNED_IN, UNREADABLE


class InterviewConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """`/ws/interviews/{id}/`: frames `{"version": n}`. The page also looks itself."""

    async def connect(self) -> None:
        await self.accept()  # closed before it was accepted, the browser would not see the code
        user = self.scope["user"]
        if not user.is_authenticated:
            await self.close(NOT_SIGNED_IN)
            return
        try:
            interview_id = UUID(self.scope["url_route"]["kwargs"]["interview_id"])
        except ValueError:
            await self.close(NOT_FOUND)
            return
        if not await _is_own(interview_id, user.pk):
            await self.close(NOT_FOUND)
            return
        self.groups.append(interview_group(interview_id))  # left again by Channels
        await self.channel_layer.group_add(interview_group(interview_id), self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """A page has nothing to say here."""
        await self.close(UNREADABLE)

    async def interview_changed(self, message: dict[str, Any]) -> None:
        await self.send(json.dumps({"version": message["version"]}))


@database_sync_to_async  # type: ignore[untyped-decorator]  # channels has no types
def _is_own(interview_id: UUID, user_id: UUID) -> bool:
    return UnderstandingSession.objects.filter(pk=interview_id, project__owner=user_id).exists()
