"""Real services for the tests: PostgreSQL and Redis start when the first test needs them, once per run."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from rest_framework.test import APIClient

    from cofounder.models import User
    from jobs.models import Job, Project

T = TypeVar("T")
LONG = ("tests/journeys/", "tests/browser/", "tests/rehearsal/test_plays", "tests/cofounder/install/")
STARTS_SERVERS = {"services", "django_db_setup", "db", "transactional_db"}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    is_long = [item for item in items if item.nodeid.startswith(LONG)]
    others = [item for item in items if not item.nodeid.startswith(LONG)]
    items[:] = dealt(is_long, others, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
    _mark(items)


def dealt(long: Sequence[T], others: Sequence[T], hands: int) -> list[T]:
    """An order in which each of so many parallel processes begins with its share of the long tests.

    The processes are given equal stretches of the list, and one that is done takes over from the end of
    another's: a long test there would be started last, while all the others wait for it.
    """
    found: list[T] = []
    left, rest = len(long) + len(others), list(others)
    for hand in range(hands):
        share = left // (hands - hand)
        own = list(long[hand::hands])
        found += own + rest[: share - len(own)]
        del rest[: share - len(own)]
        left -= share
    return found


def _mark(items: list[pytest.Item]) -> None:
    """Mark tests that start servers, so that `make fast` can run the others in seconds."""
    for item in items:
        if STARTS_SERVERS.intersection(getattr(item, "fixturenames", ())) or item.get_closest_marker(
            "django_db"
        ):
            item.add_marker("services")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """List clearly what could not run here, so that it is never taken for a pass."""
    reasons = [report.longrepr[2] for report in terminalreporter.stats.get("skipped", [])]
    missing = [reason for reason in reasons if "CANNOT RUN" in reason]
    if missing:
        terminalreporter.section("could not run on this machine", sep="!", red=True, bold=True)
        for reason in sorted(set(missing)):
            terminalreporter.line(f"{missing.count(reason)} x {reason}")


@pytest.fixture(scope="session")
def services() -> Iterator[None]:
    """The embedded engines, for the whole run; those named by the environment are used instead."""
    from django.conf import settings

    from cofounder.config import environment
    from cofounder.install import embedded

    wanted: dict[str, Any] = {
        "postgres": environment.is_embedded("DATABASE_URL"),
        "redis": environment.is_embedded("REDIS_URL"),
    }
    with embedded.Services(settings.DATA_DIR, **wanted):
        embedded.point_django_at(settings.DATA_DIR)
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(services: None) -> None:
    """The database server must be running before pytest-django creates the test database."""


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """The database threads close their connections to the test database before it is dropped."""
    from agents import database

    yield
    database.close_connections()


@pytest.fixture(autouse=True)
def _the_queue_is_left_empty(request: pytest.FixtureRequest, django_db_blocker: Any) -> Iterator[None]:
    """After a test that commits; any other takes back what it has queued."""
    yield
    marker = request.node.get_closest_marker("django_db")
    if (marker and marker.kwargs.get("transaction")) or "transactional_db" in request.fixturenames:
        with django_db_blocker.unblock():
            empty_the_queue()


def empty_the_queue() -> None:
    """Flushing empties our own tables; those of the queue are not managed by Django."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_workers CASCADE")


@pytest.fixture(autouse=True)
def _nobody_has_tried_anything(request: pytest.FixtureRequest) -> Iterator[None]:
    """What the rate limits have counted in one test must not refuse anybody in the next."""
    yield
    if request.node.get_closest_marker("django_db") or "db" in request.fixturenames:
        from django.core.cache import cache
        from redis.exceptions import RedisError

        with suppress(RedisError):  # there is none in a test without services
            cache.clear()


@pytest.fixture(autouse=True)
def _the_clock_is_real() -> Iterator[None]:
    from jobs import clock

    clock.forget()
    yield
    clock.forget()


TIERS = [
    ("bootstrapper", "Bootstrapper", "claude-sonnet-5-5", 60_000_000),
    ("partner", "Partner", "claude-sonnet-5-5", 200_000_000),
    ("cto_scale", "CTO scale", "claude-opus-5-5", 600_000_000),
]


@pytest.fixture
def tiers(db: None) -> None:
    """The tiers of a new install; a test that empties the tables empties these too."""
    from agents.models import PlanTier

    for slug, name, model, budget in TIERS:
        defaults = {"name": name, "model": model, "monthly_budget_microdollars": budget}
        PlanTier.objects.get_or_create(slug=slug, defaults=defaults)


def _make_user(email: str, **fields: Any) -> "User":
    from agents.models import Subscription
    from cofounder.models import User
    from jobs import clock

    user = User.objects.create_user(email, "correct horse battery", **fields)
    Subscription.objects.create(
        user=user, tier_id="bootstrapper", renews_on=clock.today() + timedelta(days=30)
    )
    return user


@pytest.fixture
def founder(tiers: None) -> "User":
    return _make_user("founder@example.com")


@pytest.fixture
def other_founder(tiers: None) -> "User":
    return _make_user("other@example.com")


def give_second_factor(user: "User") -> str:
    """An authenticator app; its seed."""
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    seed: str = generate_totp_secret()
    TOTP.activate(user, seed)
    return seed


@pytest.fixture
def admin(tiers: None) -> "User":
    """As the admin lets nobody in without: with a second factor."""
    user = _make_user("admin@example.com", is_staff=True, is_superuser=True)
    give_second_factor(user)
    return user


BRIEF = {
    "problem": "Parents swap school uniforms in a chat nobody can search.",
    "must_have": ["a list of uniforms by size", "a form to offer one"],
}


@pytest.fixture
def project(founder: "User") -> "Project":
    """A founder's project with a brief and an answered interview."""
    from jobs.briefs import create_project

    return create_project(
        owner=founder,
        name="Uniform Swap",
        goal="One school by September",
        idea_brief=BRIEF,
        interview=[{"question": "Who may see the list?", "answer": "Everyone with the link."}],
    )


@cache
def _described() -> Any:
    from drf_spectacular.generators import SchemaGenerator

    generator = SchemaGenerator()  # type: ignore[no-untyped-call]  # the library annotates only parts of itself
    return generator.get_schema(public=True)["paths"]  # type: ignore[no-untyped-call]  # the same


def need_described(answer: Any) -> None:
    """An answer of the API has a status listed in its OpenAPI document, or one that any call may have."""
    if answer.resolver_match is None or not answer.resolver_match.route.startswith("api/"):
        return
    path = "/" + re.sub(r"<\w+:(\w+)>", r"{\1}", answer.resolver_match.route)
    call = _described().get(path, {}).get(answer.request["REQUEST_METHOD"].lower())
    if call and answer.status_code not in (405, 406, 413, 415):
        assert str(answer.status_code) in call["responses"], f"{path} does not tell of {answer.status_code}"


def _client_of(user: "User") -> "APIClient":
    from rest_framework.test import APIClient

    class DescribedClient(APIClient):
        def request(self, **named: Any) -> Any:
            answer = super().request(**named)
            need_described(answer)
            return answer

    client = DescribedClient()
    client.force_login(user)
    return client


@pytest.fixture
def api(founder: "User") -> "APIClient":
    """The API as the founder's browser uses it."""
    return _client_of(founder)


@pytest.fixture
def other_api(other_founder: "User") -> "APIClient":
    return _client_of(other_founder)


@pytest.fixture
def build(project: "Project") -> "Job":
    """A job of the project that has just been started."""
    from agents.actions.start import start_build

    return start_build(project)[0]
