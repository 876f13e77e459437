"""The retry policy: three attempts, then a question. Runs in the transaction that saves the results."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from uuid import UUID

from agents.failures import command_line, plain_english
from agents.failures.failure import (
    Escalate,
    Failure,
    concerns,
    decide,
    failure_of,
    is_expected,
    is_proven,
    proven_by,
)
from agents.failures.test_output import is_test_run
from agents.models import AgentSession, SpendEntry
from agents.prompts import as_data, note_text
from agents.turns import Block, ToolCall, ToolResult, note
from escalations.models import AgentEscalation, ErrorSignature
from jobs import clock
from jobs.events import Fact
from jobs.models import EventType, Job
from jobs.storable import storable

MOST_ROWS = 200  # of the transcript, searched for changes between two attempts


@dataclass(frozen=True)
class Recorded:
    """The outcome: facts for the event log, notes for the model, and what to watch for.

    `watched` are the targets that have failed. Later results for which `concerns` is false with these targets
    need not be recorded.
    """

    facts: list[Fact] = field(default_factory=list)
    notes: list[Block] = field(default_factory=list)
    watched: tuple[frozenset[str], ...] = ()


@dataclass(frozen=True)
class Attempt:
    """An entry of `ErrorSignature.attempts`: what was tried, the error, and where in the transcript."""

    what: str
    error: str
    cost: int  # µ$
    told: str = ""  # the attempt as a sentence for the founder
    approach: str = ""
    targets: tuple[str, ...] = ()
    failing: int | None = None
    session: str = ""
    position: int = 0  # the transcript's last position before this attempt
    counts: bool = True  # the first run of failing tests does not count


def record_failures(session: AgentSession, results: Sequence[ToolResult]) -> Recorded:
    """Count the failures of a step whose turn is saved, and ask the founder once three attempts have failed.

    Locks the job, so a caller that also locks the day must lock the day first. Records no event itself.
    """
    watched = watched_targets(session)
    if not concerns(results, watched):
        return Recorded(watched=watched)
    Job.objects.select_for_update(no_key=True).get(pk=session.job_id)
    return _Step(session, results).record()


def _cost_of_turn(session: AgentSession) -> int:
    """What the model's call cost whose tool calls have failed: the newest that is settled."""
    settled = SpendEntry.objects.filter(session=session.job_id, status=SpendEntry.Status.SETTLED)
    return settled.order_by("-created_at").values_list("cost_microdollars", flat=True).first() or 0


def watched_targets(session: AgentSession) -> tuple[frozenset[str], ...]:
    """The targets that have failed in the project and have not worked since."""
    return _watched(_open_signatures(session.job.project_id))


def _open_signatures(project_id: UUID) -> list[ErrorSignature]:
    return list(ErrorSignature.objects.filter(project_id=project_id).exclude(attempts=[]))


def _watched(rows: Iterable[ErrorSignature]) -> tuple[frozenset[str], ...]:
    return tuple({frozenset(_attempts(row)[-1].targets) for row in rows if row.attempts})


def _attempts(row: ErrorSignature) -> list[Attempt]:
    known = set(Attempt.__dataclass_fields__)
    return [Attempt(**{name: entry[name] for name in known & set(entry)}) for entry in row.attempts]


class _Step:
    """The results of one step. Parallel calls are one attempt: none could learn from another."""

    def __init__(self, session: AgentSession, results: Sequence[ToolResult]) -> None:
        self.session = session
        self.results = results
        self.project_id = session.job.project_id
        self.rows = {row.signature: row for row in _open_signatures(self.project_id)}
        self.counted: set[str] = set()
        troubles = sum(not is_expected(one.call, one) for one in results)
        self.cost = _cost_of_turn(session) // max(1, troubles)
        self.facts: list[Fact] = []
        self.notes: list[Block] = []

    def record(self) -> Recorded:
        for result in self.results:
            if not result.is_error:
                self._worked(result)
            elif not is_expected(result.call, result):
                self._failed(result, failure_of(result))
        return Recorded(self.facts, self.notes, _watched(self.rows.values()))

    def _worked(self, result: ToolResult) -> None:
        proven = proven_by(result)
        for row in self.rows.values():
            if row.attempts and is_proven(_attempts(row)[-1].targets, proven):
                self._reset(row)

    def _failed(self, result: ToolResult, failure: Failure) -> None:
        signature = failure.signature(self.project_id)
        if signature in self.counted:
            return
        self.counted.add(signature)
        if pending := self._pending(signature):
            self._tell_escalated(pending)
            return
        row, is_new = ErrorSignature.objects.get_or_create(
            project_id=self.project_id, signature=signature, defaults={"category": failure.category}
        )
        self.rows[signature] = row
        last = _attempts(row)[-1] if row.attempts else None
        calls = self._calls_since(last, result.call)
        if last is not None and not _is_another_approach(last, failure, calls):
            return
        if is_new or _has_fewer(last, failure):
            self._progressed(failure, row)
        self._count(row, result, failure, _files_changed(calls) if last else [])

    def _pending(self, signature: str) -> AgentEscalation | None:
        return AgentEscalation.objects.filter(
            job_id=self.session.job_id, error_signature=signature, status=AgentEscalation.Status.PENDING
        ).first()

    # Progress

    def _progressed(self, failure: Failure, row: ErrorSignature) -> None:
        """A new failure, or fewer failing tests, is progress: reset the earlier failures of this target."""
        for other in self.rows.values():
            if other.attempts and (other is row or _is_left_behind(other, failure)):
                self._reset(other)

    def _reset(self, row: ErrorSignature) -> None:
        row.attempts, row.escalated_at, row.reset_at = [], None, clock.now()
        row.save(update_fields=["attempts", "escalated_at", "reset_at"])

    # Counting

    def _count(
        self, row: ErrorSignature, result: ToolResult, failure: Failure, files_changed: Sequence[str]
    ) -> None:
        earlier = [attempt for attempt in _attempts(row) if attempt.counts]
        attempt = Attempt(
            what=result.label,
            error=failure.excerpt,
            cost=self.cost,
            told=plain_english.attempt(result.call, failure, files_changed),
            approach=failure.approach,
            targets=tuple(sorted(failure.targets)),
            failing=failure.failing,
            session=str(self.session.job_id),
            position=self.session.last_position,
            counts=bool(row.attempts) or not failure.is_test,
        )
        row.attempts = [*row.attempts, storable(asdict(attempt))]
        row.save(update_fields=["attempts"])
        if not attempt.counts:
            return
        decision = decide(failure.category, len(earlier) + 1)
        if isinstance(decision, Escalate):
            self._escalate(row, result, failure, [*earlier, attempt])
            return
        payload = {
            "attempt": decision.attempt,
            "of": decision.of,
            "what": attempt.told,
            "error": attempt.error,
        }
        self.facts.append((EventType.AGENT_RETRYING, payload))
        self.notes.append(_retry_note(decision.attempt, decision.of, attempt, earlier))

    # The question

    def _escalate(
        self, row: ErrorSignature, result: ToolResult, failure: Failure, attempts: Sequence[Attempt]
    ) -> None:
        moment = clock.now()
        row.escalated_at = moment
        row.save(update_fields=["escalated_at"])
        problem = plain_english.problem(
            result.call, failure, phase=self.session.current_phase, attempts=len(attempts)
        )
        escalation, is_new = AgentEscalation.objects.get_or_create(
            job_id=self.session.job_id,
            error_signature=row.signature,
            status=AgentEscalation.Status.PENDING,
            defaults={
                "session_id": self.session.job_id,
                "project_id": self.project_id,
                "error_type": failure.category.value,
                "plain_english_problem": storable(problem),
                "attempts_summary": plain_english.distinct([attempt.told for attempt in attempts]),
                "recommended_action": plain_english.recommended(result.call, failure),
                "options": plain_english.options(failure.category),
                "created_at": moment,
            },
        )
        self._tell_escalated(escalation)
        if is_new:
            payload = {"escalation_id": str(escalation.pk), "problem": escalation.plain_english_problem}
            self.facts.append((EventType.WAITING_FOR_INPUT, payload))

    def _tell_escalated(self, escalation: AgentEscalation) -> None:
        problem = as_data(escalation.plain_english_problem)
        self.notes.append(note("escalated", note_text("escalated", problem=problem)))

    # Between two attempts

    def _calls_since(self, last: Attempt | None, until: ToolCall) -> list[ToolCall] | None:
        """The calls that have succeeded since an attempt; None when another build made that attempt."""
        if last is None or last.session != str(self.session.job_id):
            return None
        contents = self.session.messages.filter(position__gt=last.position).order_by("position")
        blocks = [
            block for content in contents.values_list("content", flat=True)[:MOST_ROWS] for block in content
        ]
        failed = {
            block["tool_use_id"]
            for block in blocks
            if block["type"] == "tool_result" and block.get("is_error")
        }
        failed |= {result.call.id for result in self.results if result.is_error}
        calls = []
        for block in blocks:
            if block["type"] == "tool_use":
                if block["id"] == until.id:
                    break
                if block["id"] not in failed:
                    calls.append(ToolCall(block["id"], block["name"], block["input"]))
        return calls


_IDLE_PROGRAMS = frozenset({"curl", "wget"})


def _is_another_approach(last: Attempt, failure: Failure, calls: Sequence[ToolCall] | None) -> bool:
    """Whether this is a different approach: another command, or the same one after a change.

    Repeating an identical call is left to the repetition guard. A test run is another attempt only after a
    change, whatever command runs the tests.
    """
    if calls is None or any(_changes(call, failure) for call in calls):
        return True
    return not failure.is_test and failure.approach != last.approach


def _changes(call: ToolCall, failure: Failure) -> bool:
    if call.name in ("write_file", "edit_file"):
        return True
    line = str(call.input.get("command", ""))
    parts = [part for part in command_line.commands(line) if not part.is_preparation]
    if call.name != "bash" or is_test_run(line) or command_line.only_looks(line) or not parts:
        return False
    return command_line.targets(line) != failure.targets and any(
        part.program not in _IDLE_PROGRAMS for part in parts
    )


def _is_left_behind(row: ErrorSignature, failure: Failure) -> bool:
    """Whether the same target now fails in another way, and without more failing tests than before."""
    last = _attempts(row)[-1]
    is_worse = bool(failure.failing and last.failing and failure.failing > last.failing)
    return not row.escalated_at and frozenset(last.targets) == failure.targets and not is_worse


def _has_fewer(last: Attempt | None, failure: Failure) -> bool:
    return bool(last and last.failing and failure.failing and failure.failing < last.failing)


def _files_changed(calls: Sequence[ToolCall] | None) -> list[str]:
    changing = (call for call in calls or () if call.name in ("write_file", "edit_file"))
    return list(dict.fromkeys(str(call.input.get("path")) for call in changing))


def _retry_note(number: int, of: int, attempt: Attempt, earlier: Sequence[Attempt]) -> Block:
    text = note_text(
        "retry",
        attempt=number,
        of=of,
        what=as_data(attempt.what),
        error=as_data(attempt.error),
        earlier=[f"{as_data(one.what)} -> {as_data(one.error[:200])}" for one in earlier],
    )
    return note("retry", text)
