"""Edits of a brief's lines: a new state of the brief from the one before, or `BadBrief` with a sentence.

Plain functions of values. A line is named by a promise's key, or by its own words.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from jobs import promises
from jobs.briefs import BadBrief, clean_text
from jobs.errors import Conflict
from jobs.models import Artifact
from jobs.promises import MOST_PROMISES, Difference, Promised, same_words

PROMISE_LIMIT = 1_000  # characters of a line
LISTS = {"out_of_scope": "list of what is not in it", "needs": "list of what is needed from you"}
FEWEST_LEFT = 3  # promises of a smaller first version, where there are more


@dataclass(frozen=True)
class Brief:
    """A version of a brief; `content` without its promises is kept as it is."""

    version: int = 0
    promises: tuple[Promised, ...] = ()
    content: Mapping[str, Any] = field(default_factory=dict)

    def lines(self, name: str) -> list[str]:
        """One of `LISTS`; a text of an older brief is its only line."""
        found = self.content.get(name) or []
        return [str(line) for line in found] if isinstance(found, list) else [str(found)]

    @property
    def language(self) -> str:
        return str(self.content.get("language") or "")


Edit = Callable[[Brief], Brief]


def brief_of(artifact: Artifact | None) -> Brief:
    if artifact is None:
        return Brief()
    content = artifact.current_content if isinstance(artifact.current_content, dict) else {}
    found = promises.of_version(artifact.project_id, artifact.version)
    return Brief(artifact.version, tuple(found), content)


def rewritten(given: Any) -> Edit:
    """The list of promises anew: `[{key?, text, how_checked?}]`; a known key keeps what is not given."""
    if not isinstance(given, list):
        raise BadBrief("promises must be a list.", field="promises")

    def edit(brief: Brief) -> Brief:
        known = {promise.key: promise for promise in brief.promises}
        return _with_promises(brief, [_given(item, known) for item in given])

    return edit


def _given(item: Any, known: Mapping[str, Promised]) -> Promised:
    if not isinstance(item, dict):
        raise BadBrief('Each promise must be an object such as {"text": "…"}.', field="promises")
    key = item.get("key") or ""
    if key and (not isinstance(key, str) or key not in known):
        names = ", ".join(known) or "none"
        raise BadBrief(
            f"There is no promise “{key}” in the brief as it stands; it has: {names}.", field="promises"
        )
    old = known.get(key, Promised(""))
    return Promised(item.get("text", old.text), item.get("how_checked", old.how_checked), key)


def listed(name: str, given: Any) -> Edit:
    """One of `LISTS` anew."""
    if not isinstance(given, list):
        raise BadBrief(f"The {LISTS[name]} must be a list of texts.", field=name)
    return lambda brief: _with_list(brief, name, given)


def added(name: str, text: str, how_checked: str = "") -> Edit:
    """A promise (`name` is "promise"), or a line of another list, at the end."""
    if name == "promise":
        return lambda brief: _with_promises(brief, [*brief.promises, Promised(text, how_checked)])
    return lambda brief: _with_list(brief, name, [*brief.lines(name), text])


def changed(name: str, line: str, text: str, how_checked: str | None = None, *, was: str = "") -> Edit:
    """A line in other words. `was` is what the founder saw: a `Conflict` where it says something else now."""

    def edit(brief: Brief) -> Brief:
        if name != "promise":
            return _with_list(brief, name, _replaced(brief.lines(name), _place(brief, name, line), text))
        place = _place(brief, name, line)
        old = brief.promises[place]
        if was and was.split() != old.text.split():
            raise Conflict(f"This promise was changed in the meantime: “{old.text}”.")
        new = replace(old, text=text, how_checked=old.how_checked if how_checked is None else how_checked)
        return _with_promises(brief, _replaced(brief.promises, place, new))

    return edit


def moved(name: str, line: str, by: int) -> Edit:
    """A line one or more places up (negative) or down; at an end of the list it stays there."""

    def edit(brief: Brief) -> Brief:
        place = _place(brief, name, line)
        lines: list[Any] = list(brief.promises) if name == "promise" else list(brief.lines(name))
        one = lines.pop(place)
        lines.insert(max(0, place + by), one)
        return _with_promises(brief, lines) if name == "promise" else _with_list(brief, name, lines)

    return edit


def removed(name: str, line: str) -> Edit:
    def edit(brief: Brief) -> Brief:
        place = _place(brief, name, line)
        if name == "promise":
            return _with_promises(brief, [*brief.promises[:place], *brief.promises[place + 1 :]])
        lines = brief.lines(name)
        return _with_list(brief, name, lines[:place] + lines[place + 1 :])

    return edit


def left_out(keys: Sequence[str]) -> Edit:
    """Promises that wait for a later version: they become lines of what is not in this one."""

    def edit(brief: Brief) -> Brief:
        waiting = [promise for promise in brief.promises if promise.key in keys]
        staying = [promise for promise in brief.promises if promise.key not in keys]
        known = {same_words(line) for line in brief.lines("out_of_scope")}
        lines = [promise.text for promise in waiting if same_words(promise.text) not in known]
        smaller = _with_promises(brief, staying)
        return _with_list(smaller, "out_of_scope", [*brief.lines("out_of_scope"), *lines])

    return edit


def promised_after_all(line: str) -> Edit:
    """A line of what is not in this version becomes a promise."""

    def edit(brief: Brief) -> Brief:
        text = brief.lines("out_of_scope")[_place(brief, "out_of_scope", line)]
        return removed("out_of_scope", line)(added("promise", text)(brief))

    return edit


def back_to(earlier: Brief) -> Edit:
    """The brief as an earlier version had it."""
    return lambda brief: replace(earlier, version=brief.version)


def that_could_wait(wanted: Sequence[Promised]) -> list[Promised]:
    """Which promises a smaller first version leaves for later: the second half, as the first matter most.

    Three stay where there are more, and one always does.
    """
    stay = max((len(wanted) + 1) // 2, min(FEWEST_LEFT, len(wanted) - 1), 1)
    return list(wanted[stay:])


def difference_in_words(old: Brief, new: Brief) -> str:
    """What another version of the brief asks for, for the agent; "" if it asks for the same."""
    difference = promises.difference(old.promises, new.promises)
    lines = _promises_in_words(difference)
    for name, sentence in (("out_of_scope", "Not in this version"), ("needs", "Needed from me")):
        lines += [f"{sentence}: {line}" for line in new.lines(name) if line not in old.lines(name)]
        lines += [
            f"No longer so: {sentence}: {line}" for line in old.lines(name) if line not in new.lines(name)
        ]
    lines += [
        f"{name}: {value}"
        for name, value in new.content.items()
        if name not in ("must_have", *LISTS) and value != old.content.get(name)
    ]
    return "\n".join(["I have changed the brief.", *lines]) if lines else ""


def _promises_in_words(difference: Difference) -> list[str]:
    return [
        *(f"New promise {promise.key}: {promise.text}" for promise in difference.new),
        *(f"Promise {new.key} is now: {new.text} (it was: {old.text})" for old, new in difference.changed),
        *(f"No longer promised, {promise.key}: {promise.text}" for promise in difference.gone),
    ]


def _place(brief: Brief, name: str, line: str) -> int:
    names = [promise.key for promise in brief.promises] if name == "promise" else brief.lines(name)
    if line not in names:
        raise Conflict("This line is not there any more: it was changed or removed in the meantime.")
    return names.index(line)


def _replaced(lines: Sequence[Any], place: int, new: Any) -> list[Any]:
    return [*lines[:place], new, *lines[place + 1 :]]


def _with_promises(brief: Brief, wanted: Sequence[Promised]) -> Brief:
    known = {promise.key: promise for promise in brief.promises if promise.key}
    kept = [_clean(promise, known.get(promise.key)) for promise in wanted]
    if not kept and brief.promises:
        raise BadBrief(
            "One promise has to stay: without any, nothing is checked before the build counts as ready.",
            field="promises",
        )
    if len(kept) > MOST_PROMISES:
        raise BadBrief(f"That would be {len(kept)} promises; at most {MOST_PROMISES} can be checked.")
    _need_no_twins([promise.text for promise in kept], "This is promised already")
    _need_no_twins([promise.key for promise in kept if promise.key], "This key is given twice")
    if tuple(kept) == brief.promises:
        return brief
    must_have = [promise.text for promise in kept]
    return replace(brief, promises=tuple(kept), content={**brief.content, "must_have": must_have})


def _clean(promise: Promised, old: Promised | None) -> Promised:
    """A promise that is new or changed is measured; one that stays is left as it is, however long."""
    if promise == old:
        return promise
    text = promise.text if old and promise.text == old.text else _line(promise.text, "promise")
    how = clean_text(promise.how_checked, "way to check a promise", PROMISE_LIMIT)
    return replace(promise, text=text, how_checked=how)


def _with_list(brief: Brief, name: str, given: Sequence[Any]) -> Brief:
    before = brief.lines(name)
    lines = [line if line in before else _line(line, "line") for line in given]
    if len(lines) > MOST_PROMISES:
        raise BadBrief(f"The {LISTS[name]} may have at most {MOST_PROMISES} lines.", field=name)
    _need_no_twins(lines, "This is in the list already")
    if lines == before:
        return brief
    content = {key: value for key, value in brief.content.items() if key != name}
    return replace(brief, content={**content, name: lines} if lines else content)


def _line(text: Any, what: str) -> str:
    words = " ".join(clean_text(text, what, PROMISE_LIMIT).split())
    if not words:
        raise BadBrief(f"The {what} is empty. Write what it should say, or remove it.")
    return words


def _need_no_twins(texts: Sequence[str], sentence: str) -> None:
    seen = set()
    for text in texts:
        if (words := same_words(text)) in seen:
            raise BadBrief(f"{sentence}: “{text}”.")
        seen.add(words)
