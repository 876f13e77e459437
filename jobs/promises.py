"""The promises of a brief: what the product must do, each with a key that is never used for another one.

Everything that asks what was promised asks here: the build, the checks, the pages, the API and the prompt.
A row stands for a promise as the versions `since_version` to `until_version` of the brief say it (until now,
where there is no `until_version`). A change of its text or place begins another row with the same key.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q

from jobs.models import Job, Project, Promise

MOST_PROMISES = 50


@dataclass(frozen=True)
class Promised:
    """A promise as one version of the brief says it; `key` is "" until it is recorded."""

    text: str
    how_checked: str = ""
    key: str = ""


@dataclass(frozen=True)
class Difference:
    """What another version of the brief promises. Of a changed promise: as it was, and as it is."""

    new: tuple[Promised, ...] = ()
    changed: tuple[tuple[Promised, Promised], ...] = ()
    gone: tuple[Promised, ...] = ()
    same: tuple[Promised, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.new or self.changed or self.gone)

    @property
    def to_build(self) -> int:
        """How many promises have to be made true."""
        return len(self.new) + len(self.changed)


def same_words(text: str) -> str:
    """What two ways to write one promise have in common: case and spaces do not matter."""
    return " ".join(text.lower().split())


def texts_of(content: Any) -> list[str]:
    """The `must_have` of a brief, verbatim."""
    wanted = content.get("must_have", []) if isinstance(content, dict) else []
    return [str(text) for text in wanted] if isinstance(wanted, list) else []


def of_version(project_id: UUID, version: int) -> list[Promised]:
    """What this version of the project's brief promises, in its order."""
    return of_versions(project_id, [version])[version]


def of_versions(project_id: UUID, versions: Sequence[int]) -> dict[int, list[Promised]]:
    """What each of these versions promises, in one query."""
    first, last = min(versions, default=0), max(versions, default=0)
    standing = Q(until_version__isnull=True) | Q(until_version__gte=first)
    rows = list(
        Promise.objects.filter(standing, project=project_id, since_version__lte=last).order_by("position")
    )
    return {
        version: [Promised(row.text, row.how_checked, row.key) for row in rows if _stands(row, version)]
        for version in versions
    }


def _stands(row: Promise, version: int) -> bool:
    return row.since_version <= version and (row.until_version is None or row.until_version >= version)


def of_job(job: Job) -> list[Promised]:
    """What a build has to keep: the promises of the brief it records."""
    return of_version(job.project_id, job.idea_brief.version) if job.idea_brief else []


def find(promises: Iterable[Promised], named: str) -> Promised | None:
    """The promise that is named by its key or by its text; case and spaces do not matter."""
    wanted = same_words(named)
    by_text = {same_words(promise.text): promise for promise in promises}
    by_key = {promise.key.lower(): promise for promise in by_text.values() if promise.key}
    return by_text.get(wanted) or by_key.get(wanted)


def difference(before: Sequence[Promised], after: Sequence[Promised]) -> Difference:
    """What is new, changed, gone and the same, by key. The place in the list does not matter."""
    was = {promise.key: promise for promise in before}
    now = {promise.key: promise for promise in after}
    known = [(was[key], promise) for key, promise in now.items() if key in was]
    return Difference(
        new=tuple(promise for key, promise in now.items() if key not in was),
        changed=tuple((old, new) for old, new in known if old.text != new.text),
        gone=tuple(promise for key, promise in was.items() if key not in now),
        same=tuple(new for old, new in known if old.text == new.text),
    )


def record(project: Project, version: int, wanted: Sequence[Promised]) -> list[Promised]:
    """Write what a new version of the brief promises; the caller holds the project's row.

    A promise without a key gets that of the same words, also of long ago, and otherwise the next number. The
    same words twice are one promise.
    """
    kept = _with_keys(project, wanted)
    standing = {row.key: row for row in Promise.objects.filter(project=project, until_version__isnull=True)}
    rows = [
        Promise(
            project=project,
            key=promise.key,
            text=promise.text,
            how_checked=promise.how_checked,
            position=position,
            since_version=version,
        )
        for position, promise in enumerate(kept)
    ]
    new = [row for row in rows if row.key not in standing or not _is_same(row, standing[row.key])]
    staying = {row.key for row in rows} - {row.key for row in new}
    ended = [row.pk for key, row in standing.items() if key not in staying]
    Promise.objects.filter(pk__in=ended).update(until_version=version - 1)
    Promise.objects.bulk_create(new)
    return kept


def keeping_keys(
    before: Sequence[Promised], texts: Iterable[str], how_checked: Mapping[str, str] | None = None
) -> list[Promised]:
    """Texts as promises: unchanged sentences keep their key and how they are checked."""
    known = {same_words(promise.text): promise for promise in before}
    given = {same_words(text): how for text, how in (how_checked or {}).items()}
    kept = []
    for text in texts:
        words = same_words(text)
        old = known.get(words, Promised(text))
        kept.append(Promised(text, given.get(words, old.how_checked), old.key))
    return kept


def _with_keys(project: Project, wanted: Sequence[Promised]) -> list[Promised]:
    ever = list(Promise.objects.filter(project=project).order_by("since_version"))
    known = {same_words(row.text): row for row in ever}
    number = max((int(row.key[1:]) for row in ever), default=0)
    taken = {promise.key for promise in wanted if promise.key}
    kept: dict[str, Promised] = {}
    for promise in wanted:
        words = same_words(promise.text)
        if words in kept:
            continue
        key, how_checked = promise.key, promise.how_checked
        if not key and words in known and known[words].key not in taken:
            key, how_checked = known[words].key, how_checked or known[words].how_checked
        elif not key:
            number += 1
            key = f"P{number}"
        taken.add(key)
        kept[words] = Promised(promise.text.strip(), how_checked, key)
    return list(kept.values())


def _is_same(row: Promise, other: Promise) -> bool:
    return (row.text, row.how_checked, row.position) == (other.text, other.how_checked, other.position)
