"""What a build leaves: snapshots, documents, and links that show its app."""

from django.db import models

from jobs.models import Job, Project, UUIDModel


class Snapshot(UUIDModel):
    """A stored copy of the workspace: a tar.gz and its manifest `[{path, size, sha256}]`."""

    class Reason(models.TextChoices):
        CHECKPOINT = "checkpoint", "While building"
        SLEEP = "sleep", "Before sleep"
        FINAL = "final", "Build finished"
        END = "end", "Build ended"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="snapshots")
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="snapshots")
    key = models.CharField(max_length=300, unique=True)
    size = models.PositiveBigIntegerField()  # bytes
    sha256 = models.CharField(max_length=64)
    manifest = models.JSONField()
    reason = models.CharField(max_length=20, choices=Reason)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "-key"]

    def __str__(self) -> str:
        return self.key

    @property
    def file_count(self) -> int:
        """The files as a person counts them: without Git's own."""
        return sum(not row["path"].startswith(".git/") for row in self.manifest)


class SnapshotClock(models.Model):
    """The newest second given to a snapshot of the project. Each is given once, as archives are named so."""

    project = models.OneToOneField(
        Project, on_delete=models.CASCADE, primary_key=True, related_name="snapshot_clock"
    )
    second = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.second}"


class ShareLink(UUIDModel):
    """Lets whoever has it open a project's app without signing in; deleting the row revokes it."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="share_links")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "id"]

    def __str__(self) -> str:
        return f"until {self.expires_at}"


class BuildDocument(models.Model):
    """What the agent wrote for the founder about the product."""

    class Section(models.TextChoices):
        OVERVIEW = "overview", "Overview"
        FEATURES = "features", "Features"
        GETTING_STARTED = "getting_started", "Getting started"
        FAQ = "faq", "Questions and answers"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="documents")
    section = models.CharField(max_length=20, choices=Section)
    content = models.TextField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "section"], name="document_section")]

    def __str__(self) -> str:
        return self.get_section_display()
