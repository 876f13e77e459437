"""`manage.py agent_status [JOB]`: shows what the agents are doing."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from agents.management import builds, questions
from agents.session.status import status_of
from jobs.models import TERMINAL, Job


class Command(BaseCommand):
    help = "Show what the agents are doing: in one build, or in all that are not over."

    def add_arguments(self, parser: ArgumentParser) -> None:
        builds.add_arguments(parser, needs_job=False)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["job"]:
            job = builds.find(options["job"])
            builds.answer(self, _facts(job), _line(job), as_json=options["json"])
            return
        running = Job.objects.exclude(status__in=TERMINAL).select_related("project").order_by("created_at")
        lines = "\n".join(map(_line, running)) or "No build is under way."
        builds.answer(self, [_facts(job) for job in running], lines, as_json=options["json"])


def _facts(job: Job) -> dict[str, Any]:
    return {"project": job.project.name, **status_of(job), "questions": questions.open_questions(job)}


def _line(job: Job) -> str:
    facts = _facts(job)
    wake = f", wakes at {facts['wake_at']:%Y-%m-%d %H:%M} UTC" if facts["wake_at"] else ""
    state = facts["agent_state"] or "no agent yet"
    phase = f", “{facts['current_phase']}”" if facts["current_phase"] else ""
    asked = [
        f"\n    ?? {question['problem']}\n{questions.how_to_answer(question['id'], question['decisions'])}"
        for question in facts["questions"]
    ]
    return (
        f"{job.pk}  {job.project.name}: {facts['status']}, {state}{phase}, turn {facts['iteration']}, "
        f"{facts['budget_pct']} % of today's budget{wake}{''.join(asked)}"
    )
