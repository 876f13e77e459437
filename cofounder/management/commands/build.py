"""`manage.py build`: build a brief without a browser."""

import json
import signal
import time
from argparse import ArgumentParser
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import OperationalError, connection

from agents.actions.start import start_build
from agents.models import PlanTier, Subscription
from cofounder.config import environment
from cofounder.install import embedded, reachable
from cofounder.install.reachable import Unreachable
from cofounder.install.supervisor import Install
from cofounder.install.waiting import StartFailed
from cofounder.management import follow
from cofounder.models import User
from jobs import clock, queue
from jobs.briefs import BadBrief, clean_brief, clean_goal, clean_interview, clean_name, create_project
from jobs.errors import CofounderError, Unavailable
from jobs.models import Job, JobStatus, Project

OWNER = "operator@localhost.example"
TIER = "partner"
BRIEF_FIELDS = {"name", "goal", "idea_brief", "interview"}
BRIEF_LIMIT = 1_000_000  # bytes of a brief's file
HEARTBEAT_SECONDS = 30


class Command(BaseCommand):
    help = "Build a founder's brief, on the running install or on one started for as long as it takes."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument(
            "--brief", type=Path, metavar="FILE", help="a JSON file: name, goal, idea_brief, interview"
        )
        what.add_argument("--project", metavar="ID", help="a project that exists")
        parser.add_argument(
            "--owner", default=OWNER, metavar="EMAIL", help="whose project it is (default: %(default)s)"
        )
        parser.add_argument("--tier", default=TIER, help="the plan a new owner gets (default: %(default)s)")
        parser.add_argument("--wait", action="store_true", help="print the feed until the build is over")

    def handle(self, *args: Any, **options: Any) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):  # a shell's background job begins with SIGINT ignored
            signal.signal(number, follow.interrupt)
        owner = read_owner(options["owner"])
        project_id = read_id(options["project"]) if options["project"] is not None else None
        try:
            need_building()
            brief = read_brief(options["brief"]) if project_id is None else {}
            with ExitStack() as running:
                own = self._start_what_is_missing(running)
                project = (
                    find_project(project_id) if project_id else new_project(brief, owner, options["tier"])
                )
                job, _ = start_build(project)
                self.stdout.write(f"{job.project.name}: {job.build_version} ({job.pk})")
                if options["wait"] or own is not None:
                    self._follow(job, own)
        except (StartFailed, Unreachable, CofounderError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError("Stopped watching. The build goes on when the install runs.") from None

    def _start_what_is_missing(self, running: ExitStack) -> Install | None:
        """An install for this command, when none is running."""
        reachable.need_named_services()
        embedded.point_django_at(settings.DATA_DIR)
        if has_live_worker():
            return None
        install = running.enter_context(Install(port=None))
        for note in install.notes:
            self.stdout.write(note)
        install.start_worker()
        return install

    def _follow(self, job: Job, own: Install | None) -> None:
        watcher = follow.Watcher(job, self.stdout)
        while not watcher.is_over():
            if own is not None:
                for said in own.keep_running():
                    self.stdout.write(said)
            time.sleep(follow.LOOK_SECONDS)
        job.refresh_from_db()
        if job.status != JobStatus.READY:
            raise CommandError(
                f"{job.get_status_display()}: {job.status_message or 'no reason was recorded'}"
            )
        self.stdout.write(self.style.SUCCESS(f"Ready: {job.preview_url}"))
        if own is not None:
            self.stdout.write("The preview ends with this command; on a running install it stays.")


def read_brief(path: Path) -> dict[str, Any]:
    """A brief's file as the fields of a project, checked before anything is started.

    Raises `CommandError` for a file that is not a brief, `BadBrief` for a brief that cannot be used.
    """
    fields = {"name": "", "goal": "", "idea_brief": None, "interview": None, **_read_object(path)}
    if unknown := sorted(fields.keys() - BRIEF_FIELDS):
        raise CommandError(f"{path} has fields a brief does not know: {', '.join(unknown)}.")
    if fields["idea_brief"] is None:
        raise BadBrief(
            "The brief needs an idea_brief: an object with problem, target_user, solution and must_have."
        )
    clean_name(fields["name"])
    clean_goal(fields["goal"])
    clean_brief(fields["idea_brief"])
    clean_interview(fields["interview"])
    return fields


def _read_object(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > BRIEF_LIMIT:
            raise CommandError(f"{path} is larger than {BRIEF_LIMIT:,} bytes: no brief is that large.")
        brief = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{path} is not valid JSON in UTF-8: {error}.") from error
    if not isinstance(brief, dict) or not brief:
        raise CommandError(f"{path} must hold an object with name, goal, idea_brief and interview.")
    return brief


def read_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise CommandError(f"--project {text!r} is not a project's id (a UUID).") from error


def need_building() -> None:
    """Raise `Unavailable` where building is switched off, before anything is started."""
    if not settings.AUTONOMOUS_AGENT:
        raise Unavailable("Building is switched off on this installation (AUTONOMOUS_AGENT).")


def read_owner(email: str) -> str:
    try:
        validate_email(email)
    except ValidationError as error:
        raise CommandError(f"--owner {email!r} is not an e-mail address.") from error
    return email


def new_project(brief: dict[str, Any], owner: str, tier_slug: str) -> Project:
    """Create the project for its owner, who is created with a plan if missing."""
    user = User.objects.filter(email__iexact=owner).first() or User.objects.create_user(owner)
    tier = PlanTier.objects.filter(slug=tier_slug).first()
    if tier is None:
        known = ", ".join(PlanTier.objects.values_list("slug", flat=True))
        raise CommandError(f"--tier {tier_slug!r} is not a plan. Choose one of: {known}.")
    renews_on = clock.today() + timedelta(days=30)
    Subscription.objects.get_or_create(user=user, defaults={"tier": tier, "renews_on": renews_on})
    return create_project(owner=user, **brief)


def find_project(project_id: UUID) -> Project:
    try:
        return Project.objects.get(pk=project_id)
    except Project.DoesNotExist as error:
        raise CommandError(f"There is no project {project_id}.") from error


def has_live_worker() -> bool:
    """Whether the database answers and a worker has reported lately."""
    if environment.is_embedded("DATABASE_URL") and not embedded.is_held(settings.DATA_DIR / embedded.LOCK):
        return False
    try:
        return queue.has_tables() and queue.living_workers(HEARTBEAT_SECONDS) > 0
    except OperationalError:
        return False
    finally:
        connection.close()
