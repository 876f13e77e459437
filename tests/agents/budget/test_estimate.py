from datetime import timedelta
from typing import Any

import pytest

from agents.budget.estimate import PerPromise, costs_per_promise, estimate, estimator, per_promise
from agents.budget.forecast import Pace
from agents.models import AgentSession
from cofounder.models import User
from jobs import briefs, clock
from jobs.models import Job, Project

DOLLAR = 1_000_000


@pytest.mark.parametrize(
    ("costs", "expected"),
    [
        ([], PerPromise(5, 10, 20, 0)),
        ([8], PerPromise(4, 8, 16, 1)),
        ([1, 8, 40], PerPromise(1, 8, 40, 3)),
        ([1, 2, 3, 4, 100], PerPromise(2, 3, 4, 5)),
    ],
)
def test_a_promise_costs_what_it_has_cost_here_or_the_usual_figure(
    costs: list[int], expected: PerPromise
) -> None:
    assert per_promise(costs, usual=10) == expected


def test_an_estimate_is_a_range_of_money_and_days_at_the_founders_allowance() -> None:
    each, pace = PerPromise(1 * DOLLAR, 2 * DOLLAR, 4 * DOLLAR, 7), Pace(1 * DOLLAR, 2 * DOLLAR, 20)

    found = estimate(4, each, pace)

    assert (found.low_microdollars, found.cost_microdollars, found.high_microdollars) == (
        4 * DOLLAR,
        8 * DOLLAR,
        16 * DOLLAR,
    )
    assert (found.days, found.most_days) == (5, 9)  # today's dollar, then two a day
    assert (found.each_microdollars, found.builds) == (2 * DOLLAR, 7)
    assert estimate(2, each, pace).cost_microdollars == 4 * DOLLAR


def test_what_fits_into_today_takes_one_day_and_without_an_allowance_there_is_no_day() -> None:
    each = PerPromise(1, 1, 1, 0)
    assert estimate(3, each, Pace(10, 10, 3)).days == 1
    assert estimate(3, each, Pace(0, 0, 3)).days is None


def built(project: Project, cost: int, *, status: str = "ready", **fields: Any) -> Job:
    job = Job.objects.create(
        project=project,
        status=status,
        build_number=project.jobs.count() + 1,
        idea_brief=briefs.latest_brief(project),
        created_at=clock.now() + timedelta(seconds=project.jobs.count()),
        **{"tier": "bootstrapper", **fields},
    )
    AgentSession.objects.create(
        job=job,
        user=project.owner,
        model="m",
        cost_microdollars=cost,
        max_tool_calls=1,
        created_at=clock.now(),
    )
    return job


def test_only_finished_first_builds_of_the_tier_say_what_a_promise_costs(
    project: Project, founder: User, django_assert_num_queries: Any
) -> None:
    def another() -> Project:
        return briefs.create_project(
            owner=founder, name="N", goal="G", idea_brief={"must_have": ["a", "b", "c"]}
        )

    built(project, 8 * DOLLAR, status="failed")
    built(project, 3 * DOLLAR)
    built(project, 100 * DOLLAR)  # a change
    built(another(), 9 * DOLLAR)
    built(another(), 9 * DOLLAR, tier="partner")
    built(another(), 0)

    with django_assert_num_queries(1):
        assert sorted(costs_per_promise("bootstrapper")) == [3 * DOLLAR // 2, 3 * DOLLAR]


def test_a_build_counts_with_the_promises_of_its_own_brief(project: Project) -> None:
    built(project, 4 * DOLLAR)
    briefs.add_brief(project, {"must_have": ["a map"]})
    assert costs_per_promise("bootstrapper") == [2 * DOLLAR]


def test_before_any_build_the_usual_figure_follows_the_model_of_the_tier(founder: User) -> None:
    found = estimator(founder.pk)
    assert found is not None
    assert found[0] == PerPromise(750_000, 1_500_000, 3_000_000, 0)
    assert found[1].allowance == 2 * DOLLAR


def test_where_no_build_could_begin_there_is_no_estimate(founder: User) -> None:
    founder.subscription.delete()
    assert estimator(founder.pk) is None
