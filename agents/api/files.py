"""The API for a build's files: snapshots, code as a zip, changes between snapshots, and restoring one."""

from collections.abc import AsyncIterator
from typing import IO
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db.models import Func, IntegerField, QuerySet, Value
from django.http import Http404, StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from agents.actions import start
from agents.api.serializers import ZIP, ChangeSerializer, RestoreInput, SnapshotSerializer, StartedSerializer
from agents.models import Snapshot
from agents.snapshots import code_zip, diff, history
from jobs.api import pagination
from jobs.api.ownership import as_uuid, own_job
from jobs.api.refusals import BAD_OR_NOT_FOUND, CONFLICT, NOT_FOUND
from jobs.api.serializers import ErrorSerializer
from jobs.models import Job

SNAPSHOT = OpenApiParameter("snapshot", UUID, description="A snapshot's id. Default: the newest.")
FROM = OpenApiParameter("from", UUID, description="A snapshot's id. Default: the one the build began with.")
TO = OpenApiParameter("to", UUID, description="A snapshot's id. Default: the build's newest.")


@extend_schema(parameters=pagination.PAGE, responses={200: SnapshotSerializer(many=True), **NOT_FOUND})
class SnapshotsView(ListAPIView[Snapshot]):
    """The build's snapshots, newest first."""

    serializer_class = SnapshotSerializer

    def get_queryset(self) -> QuerySet[Snapshot]:
        return _with_file_counts(own_job(self.request, self.kwargs["job_id"]))


def _with_file_counts(job: Job) -> QuerySet[Snapshot]:
    """The snapshots with their `file_count`, but without their manifests, which can be large."""
    not_gits = Value('$[*] ? (!(@.path starts with ".git/"))')
    files = Func(
        "manifest",
        not_gits,
        function="jsonb_path_query_array",
        template="%(function)s(%(expressions)s::jsonpath)",
    )
    count = Func(files, function="jsonb_array_length", output_field=IntegerField())
    return history.snapshots_of(job).annotate(files=count).defer("manifest")


class ChangesView(APIView):
    @extend_schema(
        parameters=[FROM, TO, *pagination.PAGE],
        responses={200: ChangeSerializer(many=True), **BAD_OR_NOT_FOUND, 503: ErrorSerializer},
    )
    def get(self, request: Request, job_id: UUID) -> Response:
        """The files that differ between two snapshots, sorted by path, with diffs of text files."""
        job = own_job(request, job_id)
        before = _named(request, job, "from") or history.beginning_of(job)
        after = _named(request, job, "to") or history.newest_of(job)
        if after is None:
            return Response([])
        offset, limit = pagination.number_from(request, "offset"), pagination.limit_of(request)
        page, count = diff.between(before, after, offset=offset, limit=limit)
        end = offset + len(page)
        following = replace_query_param(request.build_absolute_uri(), "offset", end) if end < count else None
        return pagination.linked(ChangeSerializer(page, many=True).data, following)


class CodeView(APIView):
    @extend_schema(parameters=[SNAPSHOT], responses={**ZIP, **NOT_FOUND, 503: ErrorSerializer})
    def get(self, request: Request, job_id: UUID) -> StreamingHttpResponse:
        """The code of a snapshot, as a zip."""
        job = own_job(request, job_id)
        snapshot = _named(request, job, "snapshot") or history.newest_of(job)
        if snapshot is None:
            raise code_zip.NoCode
        response = StreamingHttpResponse(_chunks(code_zip.code_zip(snapshot)), content_type="application/zip")
        response["Content-Disposition"] = f'attachment; filename="{job.build_version}.zip"'
        return response


async def _chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    """The file in chunks. Under ASGI only an asynchronous iterator is streamed."""
    with file:
        while data := await sync_to_async(file.read)(code_zip.CHUNK):
            yield data


class RestoreView(APIView):
    throttle_scope = "start"

    @extend_schema(
        request=RestoreInput,
        responses={201: StartedSerializer, **CONFLICT, 402: ErrorSerializer, 503: ErrorSerializer},
    )
    def post(self, request: Request, job_id: UUID) -> Response:
        """Go back to a snapshot: save the current files, and start a new build with the snapshot's files."""
        job = own_job(request, job_id)
        given = RestoreInput(data=request.data)
        given.is_valid(raise_exception=True)
        snapshot = _snapshot(job, as_uuid(given.validated_data["snapshot_id"]))
        new = start.go_back(snapshot)
        return Response(StartedSerializer({"job_id": new.pk, "status": new.status}).data, status=201)


def _named(request: Request, job: Job, name: str) -> Snapshot | None:
    """The snapshot named by a query parameter; None when it is not given. Raises 404."""
    given = request.query_params.get(name)
    return _snapshot(job, as_uuid(given)) if given else None


def _snapshot(job: Job, snapshot_id: UUID) -> Snapshot:
    snapshot = history.snapshot_of(job, snapshot_id)
    if snapshot is None:
        raise Http404
    return snapshot
