"""`manage.py resolve_escalation ID DECISION`: answers a question on the founder's behalf."""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from getpass import getpass
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.views.decorators.debug import sensitive_variables

from agents.management import builds
from escalations.answers import resolve
from escalations.models import AgentEscalation


class Command(BaseCommand):
    help = (
        "Answer a question on the founder's behalf. The agent goes on with the answer; the page says that an "
        "operator answered. Values of secrets are prompted for, or read from standard input: one line for "
        "each --secret, or all of it if there is only one."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("escalation", type=UUID, metavar="ID", help="the question's id")
        parser.add_argument("decision", metavar="DECISION", help="an option's value, or provide_guidance")
        parser.add_argument("--guidance", default="", metavar="TEXT", help="words for the agent")
        parser.add_argument(
            "--secret", action="append", default=[], metavar="NAME", help="an environment variable to set"
        )
        parser.add_argument("--json", action="store_true", help="answer with JSON instead of a sentence")

    @sensitive_variables()
    def handle(self, *args: Any, **options: Any) -> None:
        question = AgentEscalation.objects.select_related("project").filter(pk=options["escalation"]).first()
        if question is None:
            raise CommandError(f"There is no question {options['escalation']}.")
        secrets = _read(options["secret"])
        with builds.refusals():
            answered = resolve(
                question.pk,
                decision=options["decision"],
                guidance=options["guidance"],
                secrets=secrets,
                by=None,
                via=AgentEscalation.Via.OPERATOR,
            )
        facts = {
            "escalation_id": answered.pk,
            "job_id": answered.job_id,
            "project": question.project.name,
            "decision": answered.founder_decision,
            "secret_names": answered.secret_names,
        }
        sentence = f"The question of {question.project.name} is answered with {answered.founder_decision}."
        builds.answer(self, facts, sentence, as_json=options["json"])


@sensitive_variables()
def _read(names: Sequence[str]) -> dict[str, str]:
    """Read the secrets' values. Never from the command line: other users and the shell's history see it."""
    if len(set(names)) < len(names):
        raise CommandError("The same secret is named twice.")
    if not names:
        return {}
    if sys.stdin.isatty():
        return {name: getpass(f"{name}: ") for name in names}
    given = sys.stdin.read()
    values = [given.rstrip("\r\n")] if len(names) == 1 else given.splitlines()
    if len(values) != len(names):
        raise CommandError(
            f"Standard input has {len(values)} lines for {len(names)} secrets; one line each is needed."
        )
    return dict(zip(names, values, strict=True))
