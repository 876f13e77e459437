"""What is being built: projects, their briefs and interviews, jobs, phases and the event log."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from jobs.fields import EncryptedTextField


class UUIDModel(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)

    class Meta:
        abstract = True


class Project(UUIDModel):
    """What a founder wants."""

    class Stage(models.TextChoices):
        IDEA = "idea", "Idea"  # nothing finished yet
        MVP_BUILT = "mvp_built", "MVP built"  # a build became ready

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="projects")
    name = models.CharField(max_length=200)
    goal = models.TextField(blank=True)
    stage = models.CharField(max_length=20, choices=Stage, default=Stage.IDEA)
    next_change = models.TextField(blank=True)  # what should be different, until a build begins with it
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "id"]

    def __str__(self) -> str:
        return self.name


class Artifact(UUIDModel):
    """One version of a document the founder wrote; a change adds a version."""

    class Type(models.TextChoices):
        IDEA_BRIEF = "idea_brief", "Idea brief"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="artifacts")
    artifact_type = models.CharField(max_length=40, choices=Type)
    current_content = models.JSONField()
    version = models.PositiveIntegerField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(fields=["project", "artifact_type", "version"], name="artifact_version"),
        ]

    def __str__(self) -> str:
        return f"{self.artifact_type} v{self.version}"


class Promise(UUIDModel):
    """What the product must do, as these versions of the brief say it: see `jobs.promises`."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="promises")
    key = models.CharField(max_length=12)  # P1, P2, …; never used for another promise of the project
    text = models.TextField()
    how_checked = models.TextField(blank=True)  # in plain words
    position = models.PositiveIntegerField()
    since_version = models.PositiveIntegerField()
    until_version = models.PositiveIntegerField(null=True, blank=True)  # the last one; NULL while it stands

    class Meta:
        ordering = ["since_version", "position"]
        constraints = [
            models.UniqueConstraint(fields=["project", "key", "since_version"], name="promise_key_version"),
            models.UniqueConstraint(
                fields=["project", "key"],
                condition=Q(until_version__isnull=True),
                name="promise_stands_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.text[:50]}"


class UnderstandingSession(UUIDModel):
    """An interview: questions `[{id, text}]`, answers `{id: text}`. The latest one counts.

    `details` has for a question's id why it was asked, its options `[{value, label, reason}]`, the
    recommended one, how it was answered, and its state. `assumptions` is what was decided without asking,
    `[{id, text, state}]`; the founder makes the state "right" or "changed".
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="interviews")
    questions = models.JSONField(default=list)
    answers = models.JSONField(default=dict)
    details = models.JSONField(default=dict)
    assumptions = models.JSONField(default=list)
    state = models.CharField(max_length=20, default="done")
    language = models.CharField(max_length=35, blank=True)  # BCP 47
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"interview of {self.project_id}"


class JobStatus(models.TextChoices):
    """Where a build stands; `jobs.lifecycle` holds the legal moves."""

    QUEUED = "queued", "Queued"  # asked for, no worker yet
    STARTING = "starting", "Starting"  # plan, model and prompt are made ready
    SCAFFOLD = "scaffold", "Setting up"  # sandbox created or resumed, files restored
    CODE = "code", "Building"  # the agent at work, asleep or waiting
    DEPS = "deps", "Starting the app"  # final snapshot, the app started as declared
    CHECKS = "checks", "Checking"  # the declared checks run
    READY = "ready", "Ready"  # finished and checked
    FAILED = "failed", "Failed"  # ended with a sentence
    CANCELLED = "cancelled", "Stopped"  # ended by a person


TERMINAL = frozenset({JobStatus.READY, JobStatus.FAILED, JobStatus.CANCELLED})
BEING_CHECKED = frozenset({JobStatus.DEPS, JobStatus.CHECKS})  # no model is called meanwhile


class Job(UUIDModel):
    """One build of a project."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="jobs")
    goal = models.TextField(blank=True)
    tier = models.CharField(max_length=40, blank=True)
    status = models.CharField(max_length=20, choices=JobStatus, default=JobStatus.QUEUED)
    status_message = models.TextField(blank=True)
    build_number = models.PositiveIntegerField()
    preview_url = models.URLField(max_length=500, blank=True)
    workspace_path = models.CharField(max_length=500, blank=True)
    debug_id = models.CharField(max_length=40, blank=True)  # a founder quotes it when asking for help
    idea_brief = models.ForeignKey(Artifact, null=True, on_delete=models.SET_NULL, related_name="+")
    idempotency_key = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001  # NULL is "none given"
    last_seq = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["project", "build_number"], name="job_build_number"),
            models.UniqueConstraint(fields=["project", "idempotency_key"], name="job_idempotency_key"),
            models.UniqueConstraint(
                fields=["project"],
                condition=~Q(status__in=sorted(TERMINAL)),
                name="job_one_active_per_project",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at"], name="job_newest"),
            models.Index(fields=["status", "-created_at"], name="job_newest_in_status"),
        ]

    def __str__(self) -> str:
        return f"{self.project} {self.build_version}"

    @property
    def build_version(self) -> str:
        return f"build_v0_{self.build_number}"

    @property
    def is_over(self) -> bool:
        return self.status in TERMINAL


class Phase(models.Model):
    """A part of the agent's plan, in the founder's words."""

    class Status(models.TextChoices):
        PLANNED = "planned", "To come"
        WORKING = "working", "Working"
        DONE = "done", "Done"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="phases")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=200)
    goal = models.TextField(blank=True)
    status = models.CharField(max_length=20, choices=Status, default=Status.PLANNED)
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["job", "position"], name="phase_position")]

    def __str__(self) -> str:
        return self.name


class EventType(models.TextChoices):
    """Every type of event. Labels are for people; each type has a template on the build page."""

    JOB_STATUS = "job.status", "Build status"
    PROJECT_STAGE = "project.stage", "Project stage"
    AGENT_STATE = "agent.state", "Agent state"
    AGENT_THINKING = "agent.thinking", "Thinking"
    AGENT_NARRATION = "agent.narration", "Narration"
    AGENT_MESSAGE = "agent.message", "Message"
    TOOL_CALLED = "agent.tool.called", "Step begun"
    TOOL_FINISHED = "agent.tool.finished", "Step"
    AGENT_ERROR = "agent.error", "Error"
    AGENT_RETRYING = "agent.retrying", "Trying another way"
    WAITING_FOR_INPUT = "agent.waiting_for_input", "Question"
    ESCALATION_RESOLVED = "agent.escalation_resolved", "Answer"
    BUILD_PAUSED = "agent.build_paused", "Paused"
    BUDGET_UPDATED = "agent.budget_updated", "Budget"
    BUDGET_EXCEEDED = "agent.budget_exceeded", "Budget used up"
    SLEEPING = "agent.sleeping", "Asleep"
    WAKING = "agent.waking", "Awake"
    PROVIDER_WAIT = "agent.provider_wait", "Waiting for the provider"
    PHASE_STARTED = "gsd.phase.started", "Phase begun"
    PHASE_COMPLETED = "gsd.phase.completed", "Phase done"
    DOCUMENTATION_UPDATED = "documentation.updated", "Document"
    SNAPSHOT_UPDATED = "snapshot.updated", "Files saved"
    SNAPSHOT_RESTORED = "snapshot.restored", "Files restored"
    PREVIEW_UPDATED = "preview.updated", "Preview"
    CHECK_FINISHED = "check.finished", "Check"


class JobEvent(models.Model):
    """An event in a job's log. `seq` begins at 1, has no gaps, and its order is the order of commits.

    The number comes from the job's own row, which is locked for it: so the database need not check the
    foreign key of each event.
    """

    job = models.ForeignKey(
        Job, on_delete=models.CASCADE, related_name="events", db_index=False, db_constraint=False
    )
    seq = models.PositiveBigIntegerField()
    type = models.CharField(max_length=40, choices=EventType)
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["seq"]
        constraints = [models.UniqueConstraint(fields=["job", "seq"], name="event_seq")]

    def __str__(self) -> str:
        return f"{self.seq} {self.type}"


class ProjectSecret(UUIDModel):
    """A credential the founder gave; it reaches the sandbox as an environment variable and nothing else."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="secrets")
    name = models.CharField(max_length=100)
    value = EncryptedTextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="secret_name")]

    def __str__(self) -> str:
        return self.name


class FounderMessage(UUIDModel):
    """What the founder wrote to the agent; delivered exactly once, before its next turn."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="messages")
    text = models.TextField()
    created_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["created_at", "id"]
        indexes = [
            models.Index(F("job"), name="message_undelivered", condition=Q(delivered_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return self.text[:50]


class Clock(models.Model):
    """The one row of the movable clock; `jobs.clock` reads it."""

    THE_ROW = 1

    anchor = models.DateTimeField()  # a real moment …
    shown = models.DateTimeField()  # … and what the clock showed then
    speed = models.FloatField(default=1.0)

    def __str__(self) -> str:
        return f"{self.shown} at speed {self.speed:g}"
