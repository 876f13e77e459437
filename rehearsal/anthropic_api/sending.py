"""Sends an answer as a paced event stream, and interrupts it where a fault says so."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from starlette.types import Message, Receive, Scope, Send

from rehearsal.anthropic_api.events import Event, encode
from rehearsal.fault import STREAM_FAULTS, Fault

OVERLOADED: Event = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
SHORTEST, LONGEST, TOKENS_PER_SECOND = 1.0, 2.0, 2_000
"""At pace 1 a turn lasts this long (seconds), whatever its size."""


def duration(output_tokens: int, pace: float) -> float:
    """Seconds from the first to the last event."""
    return pace * min(LONGEST, SHORTEST + output_tokens / TOKENS_PER_SECOND)


@dataclass
class EventStream:
    """An ASGI response: `sent` is called for each event sent, `done` with whether all were sent."""

    events: list[Event]
    seconds: float
    fault: Fault | None
    headers: dict[str, str]
    sent: Callable[[Event], None]
    done: Callable[[bool], None]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        complete = False
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            headers = {
                "content-type": "text/event-stream; charset=utf-8",
                "cache-control": "no-cache",
                **self.headers,
            }
            raw = [(key.encode(), value.encode()) for key, value in headers.items()]
            await send({"type": "http.response.start", "status": 200, "headers": raw})
            complete = await self._stream(send, gone)
        finally:
            gone.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await gone
            self.done(complete)

    async def _stream(self, send: Send, gone: "asyncio.Future[None]") -> bool:
        breaks = self.fault if self.fault and self.fault.kind in STREAM_FAULTS else None
        events = self.events[: breaks.after_events] if breaks else self.events
        for batch in self._batches(events):
            if self.seconds and await _gone_within(gone, self._delay()):
                return False
            await send(_body(b"".join(map(encode, batch)), more=True))
            for event in batch:
                self.sent(event)
        if breaks:
            await self._break(breaks, send, gone)
            return False
        await send(_body(b"", more=False))
        return True

    def _batches(self, events: list[Event]) -> Iterator[list[Event]]:
        """One event at a time, or all at once when there is no pace."""
        if self.seconds:
            yield from ([event] for event in events)
        elif events:
            yield events

    def _delay(self) -> float:
        return self.seconds / len(self.events)

    async def _break(self, fault: Fault, send: Send, gone: "asyncio.Future[None]") -> None:
        """Returning before the end of the body makes the server close the socket."""
        if fault.kind == "stream_error":
            await send(_body(encode(OVERLOADED), more=False))
        elif fault.kind == "cut":
            await send(_body(b"", more=False))
        elif fault.kind == "stall":
            await _gone_within(gone, fault.seconds)


def _body(body: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _gone_within(gone: "asyncio.Future[None]", seconds: float) -> bool:
    await asyncio.wait({gone}, timeout=seconds)
    return gone.done()
