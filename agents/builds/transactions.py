"""The units of work of a build's stages: synchronous, each in the transaction of its caller."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import F, Q

from agents.budget import ledger, subscriptions
from agents.checkpoint import apply_effects, step
from agents.models import AgentMessage, AgentSession, SessionState, Snapshot
from agents.notifications import notices
from agents.preview.promise_checks import CheckResult
from agents.prompts import note_text, system_prompt
from agents.session import earlier_builds, inbox, questions
from agents.session.claim import Claim, move_session, write_session
from agents.session.locks import lock_job
from agents.session.rest import Rest
from agents.tool_effects import Asked
from agents.turns import EXCERPT_LIMIT, note
from escalations.answers import skip_open
from jobs import briefs, events, lifecycle, project_secrets, promises, verdicts
from jobs.models import EventType, Job, JobStatus, Project
from jobs.promises import Promised


def record(claim: Claim, event_type: EventType, **payload: Any) -> None:
    """One event, if the claim still holds."""
    events.record(claim.job_id, event_type, **payload)
    write_session(claim)


def advance(claim: Claim, job: Job, to: JobStatus, message: str, **fields: Any) -> None:
    """Move the job to its next stage, if the claim still holds."""
    lifecycle.move(job, to, message, **fields)
    write_session(claim)


def prepare_session(claim: Claim, session: AgentSession) -> None:
    """Fix the model and the prompt for the whole session. Raises `PaymentNeeded` or `UnknownModel`."""
    job = session.job
    config = subscriptions.resolve_llm_config(session.user_id)
    change = earlier_builds.told_of_change(job)
    prompt = system_prompt(
        project=job.project.name,
        goal=job.project.goal if change else job.goal or job.project.goal,
        idea_brief=job.idea_brief.current_content if job.idea_brief else {},
        promises=[asdict(promise) for promise in promises.of_job(job)],
        interview=briefs.latest_interview(job.project),
        assumptions=briefs.assumptions(job.project),
        change=change,
        earlier=earlier_builds.left_by_earlier_builds(job),
    )
    write_session(claim, model=config.model, max_tool_calls=config.max_tool_calls, system_prompt=prompt)
    session.model, session.max_tool_calls, session.system_prompt = config.model, config.max_tool_calls, prompt


def secrets_of(job: Job) -> dict[str, str]:
    return project_secrets.values_of(job.project_id)


def snapshot_to_go_back_to(session: AgentSession) -> Snapshot | None:
    """The snapshot a build begins with instead of the newest, until it has one of its own."""
    if session.job.snapshots.exists():
        return None
    return Snapshot.objects.filter(sessions=session.pk).first()


def has_changed_files(job: Job) -> bool:
    """Whether the agent has used a tool that can change files."""
    changing = ["write_file", "edit_file", "bash"]
    return job.events.filter(type=EventType.TOOL_FINISHED, payload__tool__in=changing).exists()


GO_ON = "go_on"
# Older versions asked this as a product decision: their rows are recognised by the signature.
_SIGNATURE_BEFORE_KINDS = "product_decision:0530be3be957bb7f"
FILES_LOST = Asked(
    problem=(
        "The files of your product are not whole: the sandbox has lost some, and no saved copy can be read. "
        "I have stopped, so as not to build on what is left by accident."
    ),
    recommended_action="Try again: the storage that holds the copies may work again.",
    options=(
        {
            "value": "try_again",
            "label": "Try again",
            "description": "I look for the saved copies once more. Nothing is changed until one is found.",
        },
        {
            "value": GO_ON,
            "label": "Go on with what is left",
            "description": "I look at what is still there and build what is missing once more.",
        },
    ),
    error_type="files_lost",
)


def ask_about_lost_files(claim: Claim) -> tuple[Rest, list[AgentMessage]]:
    """Ask the founder. Returns how to rest, and the rows of messages delivered with it."""
    rows = step.add_notes(claim, inbox.deliver(claim.job_id).notes)
    return step.ask(claim, FILES_LOST, "I need a decision from you."), rows


def may_go_on_without_files(job: Job) -> bool:
    """Whether the founder has agreed to go on, and nothing was saved since."""
    asked = job.escalations.filter(
        Q(error_type=FILES_LOST.error_type) | Q(error_signature=f"{job.project_id}:{_SIGNATURE_BEFORE_KINDS}")
    )
    agreed = asked.filter(founder_decision=GO_ON)
    newest = job.project.snapshots.values_list("created_at", flat=True).first()
    return agreed.filter(resolved_at__gt=newest).exists() if newest else agreed.exists()


def record_restored(claim: Claim, files: Sequence[str], taken_at: datetime) -> None:
    if files:
        record(
            claim,
            EventType.SNAPSHOT_RESTORED,
            files=sorted(files, key=lambda path: path.startswith(".git/"))[:50],  # Git's own files last
            count=len(files),
            taken_at=taken_at.isoformat(),
        )


def promises_to_check(job: Job) -> list[Promised]:
    """The promises of the brief; in a rehearsal also the change, which a script may have left undone."""
    job = Job.objects.select_related("idea_brief").get(pk=job.pk)  # the founder may have edited it
    change = earlier_builds.change_of(job) if settings.REHEARSED_MODEL else ""
    return [*promises.of_job(job), *([Promised(change)] if change else [])]


def record_checks(claim: Claim, results: Sequence[CheckResult]) -> None:
    facts = [
        (
            EventType.CHECK_FINISHED,
            {
                "promise": result.promise,
                "key": result.key,
                "run": result.run,
                "ok": result.ok,
                "verdict": result.verdict.value,
                "output": result.output[:EXCERPT_LIMIT],
                "duration_ms": result.duration_ms,
            },
        )
        for result in results
    ]
    events.record_all(claim.job_id, facts)
    write_session(claim)


def app_started(claim: Claim, job: Job, url: str, status: str) -> None:
    """Record what the started app answers (`url` is empty if it did not start), and go on to the checks."""
    advance(claim, job, JobStatus.CHECKS, "Checking what was promised", preview_url=url)
    events.record(job.pk, EventType.PREVIEW_UPDATED, url=url, status=str(status))


def show_app(claim: Claim, job: Job, url: str, status: str) -> None:
    """Record that the app was restarted during the work; `url` is empty if it did not start."""
    job.preview_url = url
    job.save(update_fields=["preview_url"])
    record(claim, EventType.PREVIEW_UPDATED, url=url, status=str(status))


def back_to_code(
    claim: Claim, job: Job, failures: Sequence[CheckResult], rounds: int
) -> tuple[Rest | None, list[AgentMessage]]:
    """Send the job back to the agent with a note of what failed; after `rounds` times ask the founder.

    Returns how the session is to rest, if it asked, and the note's row.
    """
    advance(claim, job, JobStatus.CODE, f"{len(failures)} of the promises are not kept yet; mending")
    write_session(claim, checks_rounds=F("checks_rounds") + 1)
    session = AgentSession.objects.select_related("job").get(pk=claim.job_id)
    number, rest = session.checks_rounds, None
    if number >= rounds:
        write_session(claim, checks_rounds=0)
        question = questions.about_checks([result.promise for result in failures])
        rest = step.ask(claim, question, "I need a decision from you.")
    text = note_text("checks_failed", results=failures, round=number, rounds=rounds)
    return rest, step.add_notes(claim, [note("checks_failed", text)])


def finish(claim: Claim, job: Job, checked: Sequence[Promised]) -> list[AgentMessage] | None:
    """The job is ready: complete its phases, end its session and questions; the project has its MVP.

    Where the founder has changed what is promised since the checks, the job goes back to the agent instead,
    and the rows of what it is told are returned.
    """
    lock_job(job.pk)
    if not promises.difference(checked, promises_to_check(job)).is_empty:
        advance(claim, job, JobStatus.CODE, "You changed what is promised; going on with it")
        return step.add_notes(claim, inbox.deliver(claim.job_id).notes)
    session = AgentSession.objects.select_related("job").get(pk=claim.job_id)
    apply_effects.complete_phase(session)
    lifecycle.move(job, JobStatus.READY, ready_sentence(verdicts.not_judged(job)))
    notices.enqueue(job.pk, EventType.JOB_STATUS)
    if Project.objects.filter(pk=job.project_id, stage=Project.Stage.IDEA).update(
        stage=Project.Stage.MVP_BUILT
    ):
        events.record(job.pk, EventType.PROJECT_STAGE, stage=Project.Stage.MVP_BUILT.value)
    _end(claim, SessionState.COMPLETED, "Finished and checked.")
    return None


def ready_sentence(not_judged: int) -> str:
    """What a finished build says of itself, also about promises that nobody has judged."""
    if not not_judged:
        return "It is ready."
    were = "1 promise was" if not_judged == 1 else f"{not_judged} promises were"
    return f"It is ready. A rehearsal script built it, and {were} not judged."


def _end(claim: Claim, state: SessionState, reason: str) -> None:
    ledger.release_all_of(claim.job_id)
    move_session(claim, state, reason, pause_requested=False, sleep_requested=False)
    skip_open(claim.job_id)


def sandbox_to_end(job_id: UUID) -> AgentSession | None:
    """The session, if it has a sandbox that is no longer needed because its job failed or was cancelled."""
    useless = [SessionState.FAILED, SessionState.CANCELLED]
    sessions = AgentSession.objects.select_related("job").filter(pk=job_id, state__in=useless)
    return sessions.exclude(sandbox_id="").first()
