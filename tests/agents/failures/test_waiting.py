"""Which builds wait for the operator, and since when."""

import pytest

from agents.builds.troubles import rest_for
from agents.errors import Trouble
from agents.failures.waiting import for_the_operator
from agents.models import AgentSession
from agents.session.rest import put_to_rest
from jobs import clock
from jobs.models import Job
from tests.agents.claims import claim_of


def rest(build: Job, trouble: Trouble, said: str, run_id: int = 1) -> None:
    owner = claim_of(build, run_id)
    put_to_rest(owner, rest_for(owner, trouble, said))


def wake(build: Job) -> None:
    wake_at = AgentSession.objects.get(pk=build.pk).wake_at
    assert wake_at is not None
    clock.move(wake_at)


def test_a_build_that_waits_is_counted_with_what_was_said(build: Job) -> None:
    rest(build, Trouble.SANDBOX_KEY, "401: Unauthorized")
    [waiting] = for_the_operator()
    assert (waiting.trouble, waiting.builds, waiting.said) == (Trouble.SANDBOX_KEY, 1, "401: Unauthorized")
    assert waiting.since == AgentSession.objects.get(pk=build.pk).trouble_since is not None
    assert "E2B_API_KEY" in waiting.fix


def test_it_waits_since_the_first_time_as_long_as_the_trouble_lasts(build: Job) -> None:
    rest(build, Trouble.MODEL_KEY, "no")
    began = AgentSession.objects.get(pk=build.pk).trouble_since
    wake(build)
    rest(build, Trouble.MODEL_KEY, "still no", 2)
    [waiting] = for_the_operator()
    assert (waiting.since, waiting.said) == (began, "still no")
    wake(build)
    rest(build, Trouble.SANDBOX_KEY, "another", 3)
    [waiting] = for_the_operator()
    assert waiting.since != began


@pytest.mark.parametrize("trouble", [Trouble.MODEL_AWAY, Trouble.STORAGE_AWAY])
def test_what_passes_by_itself_is_nobody_s_business(build: Job, trouble: Trouble) -> None:
    rest(build, trouble, "busy")
    assert for_the_operator() == []


def test_a_build_that_goes_on_waits_no_longer(build: Job) -> None:
    rest(build, Trouble.MODEL_KEY, "no")
    wake(build)
    claim_of(build, 2)
    assert for_the_operator() == []
