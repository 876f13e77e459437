"""What may be deleted, and when: nothing a founder may still need, and no record of money.

Each rule counts what it would remove, and removes it. `docs/operate.md` explains the rules to operators.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from django.contrib.sessions.models import Session
from django.core.files.storage import storages
from django.db.models import Exists, OuterRef, QuerySet
from knox.models import AuthToken

from agents.models import AgentMessage, Snapshot, SpendEntry
from jobs import clock, queue
from jobs.models import TERMINAL, Job, Project

log = structlog.get_logger(__name__)

QUEUE_DAYS = 30
RELEASED_DAYS = 90
SNAPSHOT_DAYS = 90
TRANSCRIPT_DAYS = 365
STRAY = timedelta(days=1)  # a worker may have stored an archive whose row it has yet to write
BATCH = 1000


@dataclass(frozen=True)
class Rule:
    name: str
    what: str  # in the plural, for "N …"
    count: Callable[[], int]
    remove: Callable[[], int]


def rules() -> list[Rule]:
    return [
        Rule(
            "sign-ins",
            "expired sign-ins",
            lambda: _expired_sign_ins().count(),
            lambda: _all(_expired_sign_ins()),
        ),
        Rule(
            "tokens", "expired API tokens", lambda: _expired_tokens().count(), lambda: _all(_expired_tokens())
        ),
        Rule(
            "queue",
            f"queue tasks that ended over {QUEUE_DAYS} days ago",
            lambda: queue.count_ended(QUEUE_DAYS),
            lambda: queue.remove_ended(QUEUE_DAYS),
        ),
        Rule(
            "reservations",
            f"reservations released over {RELEASED_DAYS} days ago",
            lambda: _released().count(),
            lambda: _all(_released()),
        ),
        Rule(
            "transcripts",
            f"transcript rows of builds over {TRANSCRIPT_DAYS} days ago, replaced by a newer build",
            lambda: _old_messages().count(),
            lambda: _all(_old_messages()),
        ),
        Rule(
            "snapshots",
            f"in-between snapshots of builds over {SNAPSHOT_DAYS} days ago",
            lambda: _superseded().count(),
            _remove_snapshots,
        ),
        Rule("strays", "stored archives without a snapshot", lambda: len(list(_strays())), _remove_strays),
    ]


def _expired_sign_ins() -> QuerySet[Session]:
    return Session.objects.filter(expire_date__lt=datetime.now(UTC))


def _expired_tokens() -> QuerySet[AuthToken]:
    expired: QuerySet[AuthToken] = AuthToken.objects.filter(expiry__lt=datetime.now(UTC))
    return expired


def _released() -> QuerySet[SpendEntry]:
    """Reservations for calls that were never made, and cost nothing."""
    before = clock.today() - timedelta(days=RELEASED_DAYS)
    return SpendEntry.objects.filter(status=SpendEntry.Status.RELEASED, cost_microdollars=0, day__lt=before)


def _old_builds(days: int) -> QuerySet[Job]:
    """Builds that ended so long ago, and that a newer build of their project has replaced."""
    newer = Job.objects.filter(project=OuterRef("project"), build_number__gt=OuterRef("build_number"))
    before = clock.now() - timedelta(days=days)
    return Job.objects.filter(Exists(newer), status__in=TERMINAL, finished_at__lt=before)


def _old_messages() -> QuerySet[AgentMessage]:
    return AgentMessage.objects.filter(session__job__in=_old_builds(TRANSCRIPT_DAYS))


def _superseded() -> QuerySet[Snapshot]:
    """Of long ended builds all but the finished one, the newest, and those that a build goes back to."""
    newer = Snapshot.objects.filter(job=OuterRef("job"), created_at__gt=OuterRef("created_at"))
    resting = Project.objects.exclude(jobs__in=Job.objects.exclude(status__in=TERMINAL))
    return Snapshot.objects.filter(
        Exists(newer),
        job__in=_old_builds(SNAPSHOT_DAYS),
        project__in=resting,
        sessions__isnull=True,
    ).exclude(reason=Snapshot.Reason.FINAL)


def _remove_snapshots() -> int:
    """The rows first: a file without a row is only waste, a row without its file is a loss."""
    keys = dict(_superseded().values_list("pk", "key"))
    Snapshot.objects.filter(pk__in=keys).delete()
    for key in keys.values():
        storages["snapshots"].delete(key)
    return len(keys)


def _strays() -> Iterator[str]:
    storage = storages["snapshots"]
    known = set(Snapshot.objects.values_list("key", flat=True))
    before = datetime.now(UTC) - STRAY
    for project in _listed("projects", folders=True):
        folder = f"projects/{project}/snapshots"
        for name in _listed(folder, folders=False):
            key = f"{folder}/{name}"
            if key not in known and storage.get_modified_time(key) < before:
                yield key


def _listed(path: str, *, folders: bool) -> list[str]:
    """A storage's folders or files below a path; none where there is no such path."""
    try:
        found = storages["snapshots"].listdir(path)
    except FileNotFoundError:
        return []
    return sorted(name for name in found[0 if folders else 1] if name)


def _remove_strays() -> int:
    strays = list(_strays())
    for key in strays:
        storages["snapshots"].delete(key)
    return len(strays)


def _all(
    queryset: QuerySet[AuthToken] | QuerySet[Session] | QuerySet[SpendEntry] | QuerySet[AgentMessage],
) -> int:
    """Delete in batches, so that no lock or transaction lasts long; return how many."""
    total = 0
    while keys := list(queryset.values_list("pk", flat=True)[:BATCH]):
        queryset.model._default_manager.filter(pk__in=keys).delete()
        total += len(keys)
    return total
