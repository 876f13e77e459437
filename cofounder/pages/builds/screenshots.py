"""Screenshots of a build, for its owner alone."""

import mimetypes
from uuid import UUID

from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest
from django.views.decorators.http import require_safe

from cofounder.pages.ownership import founders_only, own_job
from jobs.models import EventType

TYPES = {"image/png", "image/jpeg", "image/webp"}


@founders_only
@require_safe
def image(request: HttpRequest, job_id: UUID, name: str) -> FileResponse:
    """Only a name that the build's own log mentions is looked up in the storage."""
    job = own_job(request, job_id)
    kind = mimetypes.guess_type(name)[0]
    known = job.events.filter(type=EventType.TOOL_FINISHED, payload__image=name).exists()
    if kind not in TYPES or not known or not default_storage.exists(name):
        raise Http404("There is no such image.")
    response = FileResponse(default_storage.open(name), content_type=kind)
    response["Cache-Control"] = "private, max-age=31536000, immutable"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
