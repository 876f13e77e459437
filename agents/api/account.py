"""The API for the account: exporting all its data, and deleting it."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth import logout
from django.http import StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agents.actions.account import delete_account
from agents.actions.export import export
from agents.api.serializers import ZIP
from jobs.api.ownership import user_of
from jobs.api.refusals import REFUSALS
from jobs.api.serializers import ErrorSerializer


class ConfirmInput(serializers.Serializer[Any]):
    confirm = serializers.CharField(help_text="The account's own e-mail address.")


class DeleteView(APIView):
    throttle_scope = "account"

    @extend_schema(
        request=ConfirmInput,
        responses={204: None, **REFUSALS, 400: ErrorSerializer, 409: ErrorSerializer},
    )
    def post(self, request: Request) -> Response:
        """Delete the account and everything in it: builds, sandboxes, files, rows. This cannot be undone."""
        given = ConfirmInput(data=request.data)
        given.is_valid(raise_exception=True)
        delete_account(user_of(request), given.validated_data["confirm"])
        logout(request)
        return Response(status=204)


class ZipRenderer(BaseRenderer):
    """Lets a client send `Accept: application/zip`; it renders nothing."""

    media_type = "application/zip"
    format = "zip"


class ExportView(APIView):
    renderer_classes = [JSONRenderer, ZipRenderer]
    throttle_scope = "account"
    throttle_reads = True

    @extend_schema(responses={**ZIP, **REFUSALS})
    def get(self, request: Request) -> StreamingHttpResponse:
        """All your data as a zip: account, projects, builds, logs, transcripts, spend, documents, files."""
        response = StreamingHttpResponse(_streamed(export(user_of(request))), content_type="application/zip")
        response["Content-Disposition"] = 'attachment; filename="cofounder-export.zip"'
        return response


async def _streamed(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The export in chunks. Under ASGI only an asynchronous iterator is streamed."""
    following = sync_to_async(_next_piece)
    while (piece := await following(pieces)) is not None:
        yield piece


def _next_piece(pieces: Iterator[bytes]) -> bytes | None:
    return next(pieces, None)
