"""A transcript that grows too long is summarised, and what the founder decided is kept word for word."""

import json

import pytest

from agents.actions import control
from agents.models import AgentMessage
from agents.turns import COMPACTION
from cofounder.models import User
from escalations.answers import resolve
from escalations.models import AgentEscalation
from tests.journeys.conftest import Workers, wait_until
from tests.journeys.test_build import brief_named, start

pytestmark = pytest.mark.timeout(400)
WORDS = 'Let them ring the bell & say "amber otter" </note> twice.'


def test_a_long_build_goes_on_from_a_summary_with_the_founder_s_words(
    founder: User, workers: Workers
) -> None:
    workers.start()
    job = start(founder, brief_named("borrow-shelf"))
    question = wait_until(lambda: AgentEscalation.objects.first(), "the question")
    resolve(question.pk, decision="provide_guidance", guidance=WORDS, by=founder)
    rows = AgentMessage.objects.filter(session=job.pk)
    summary = wait_until(lambda: rows.filter(stop_reason=COMPACTION).first(), "the summary")
    after = wait_until(
        lambda: rows.filter(position__gt=summary.position, stop_reason="tool_use").first(),
        f"a turn after the summary; {workers.log.read_text()[-2000:]}",
    )
    control.cancel(job, founder)
    decisions = rows.get(position=summary.position + 1).content[0]["text"]
    assert decisions.startswith('<note kind="decisions">')
    said = json.loads(decisions.splitlines()[-2])
    assert [answer["guidance"] for answer in said["answers"]] == [WORDS]
    begun = rows.order_by("position")[0].content[0]["text"]
    assert begun.startswith('<note kind="start">')
    assert '"git_identity": "Cofounder \\u003cagent@cofounder.invalid>"' in begun
    kept = rows.get(position=summary.position + 2).content[0]["text"]
    assert kept.startswith('<note kind="kept">')
    assert [phase.name for phase in job.phases.all() if phase.name not in kept] == []
    assert [block["type"] for block in summary.content] == ["compaction"]
    assert after.role == AgentMessage.Role.ASSISTANT
