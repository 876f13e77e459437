"""Screenshots in a long conversation: each is sent unchanged, until a summary leaves all of them out."""

import copy
import json

import pytest
from django.db import transaction

from agents.builds import transactions
from agents.checkpoint.store import CheckpointStore
from agents.checkpoint.transcript import upper_bound
from agents.database import in_transaction
from agents.session.claim import load
from agents.turns import COMPACTION, ToolCall, ToolResult, Turn, note, text_block
from agents.usage import Usage
from jobs.models import Job
from tests.agents.claims import claim_of

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

USAGE = Usage(input_tokens=10, output_tokens=10)
PICTURE = "AAAA" * 10_000


@transaction.atomic
def opened(job: Job) -> CheckpointStore:
    """The store for the job's next run."""
    owner = claim_of(job)
    session, rows = load(owner)
    if not session.system_prompt:
        transactions.prepare_session(owner, session)
    return CheckpointStore(owner, rows, lambda: USAGE, lambda: None)


async def look(store: CheckpointStore, number: int) -> None:
    """A step that takes a screenshot."""
    call = ToolCall(f"toolu_{number}", "take_screenshot", {})
    block = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
    await store.save_turn(Turn([block], "tool_use", USAGE), {call.id: "Taking a screenshot"})
    source = {"type": "base64", "media_type": "image/webp", "data": f"{PICTURE}{number:04}"}
    content = [text_block("/ at 1280x800"), {"type": "image", "source": source}]
    await store.save_results([ToolResult(call=call, label="Took one", content=content, excerpt="")])


async def test_old_images_never_change_the_prefix_and_are_gone_after_a_summary(build: Job) -> None:
    store = await in_transaction(opened, build)
    await store.begin([note("start", "Begin.")])
    for number in range(5):
        before = copy.deepcopy(store.messages)
        await look(store, number)
        assert store.messages[: len(before)] == before
    assert json.dumps(store.messages).count(PICTURE) == 5
    assert upper_bound(store.messages[-1]["content"]) < 2_500  # counted as an image, not by its length
    await store.save_summary(Turn([{"type": "compaction", "content": "It looks good."}], COMPACTION, USAGE))
    await look(store, 5)
    assert json.dumps(store.messages).count(PICTURE) == 1
    _, rows = await in_transaction(load, store.claim)
    assert sum(json.dumps(row.content).count(PICTURE) for row in rows) == 1  # and they are no longer read
