"""The API of a project's secrets: their names are listed, their values never come back."""

from typing import Any
from uuid import UUID

from django.http import Http404
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_variables
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from jobs import project_secrets
from jobs.api.ownership import own_project
from jobs.api.refusals import BAD_OR_NOT_FOUND, NOT_FOUND


class SecretSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()


class SecretInput(serializers.Serializer[Any]):
    value = serializers.CharField(trim_whitespace=False, write_only=True)


class SecretsView(APIView):
    @extend_schema(responses={200: SecretSerializer(many=True), **NOT_FOUND})
    def get(self, request: Request, project_id: UUID) -> Response:
        """The names of the project's secrets; at most 100."""
        names = project_secrets.names_of(own_project(request, project_id).pk)
        return Response([{"name": name} for name in names])


class SecretView(APIView):
    @extend_schema(request=SecretInput, responses={200: SecretSerializer, **BAD_OR_NOT_FOUND})
    @method_decorator(sensitive_variables())
    def put(self, request: Request, project_id: UUID, name: str) -> Response:
        """Add a secret or replace it; the agent's next command has it."""
        project = own_project(request, project_id)
        given = SecretInput(data=request.data)
        given.is_valid(raise_exception=True)
        project_secrets.keep(project.pk, project_secrets.clean({name: given.validated_data["value"]}))
        return Response({"name": name})

    @extend_schema(responses={204: None, **NOT_FOUND})
    def delete(self, request: Request, project_id: UUID, name: str) -> Response:
        """Remove a secret; the agent's next command does not have it any more."""
        if not project_secrets.remove(own_project(request, project_id).pk, name):
            raise Http404
        return Response(status=204)
