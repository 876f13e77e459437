"""Tokens for programs: made with a login, ended by their own use."""

from typing import Any

from drf_spectacular.utils import extend_schema
from knox.auth import TokenAuthentication
from knox.models import AuthToken
from knox.views import LoginView
from rest_framework import serializers
from rest_framework.authentication import BasicAuthentication, SessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.errors import CofounderError
from jobs.serializers import ErrorSerializer


class TokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="Shown this once. Send it as `Authorization: Token …`.")
    expiry = serializers.DateTimeField()


class TokensView(LoginView):  # type: ignore[misc]  # knox has no types
    authentication_classes = (TokenAuthentication, BasicAuthentication, SessionAuthentication)

    @extend_schema(request=None, responses={201: TokenSerializer, 401: ErrorSerializer})
    def post(self, request: Request, format: str | None = None) -> Response:
        """Make a token; sign in with e-mail and password (Basic) or with the browser's session."""
        response: Response = super().post(request, format)
        response.status_code = 201
        return response

    @extend_schema(responses={204: None, 400: ErrorSerializer, 401: ErrorSerializer})
    def delete(self, request: Request) -> Response:
        """End the token this request is made with."""
        if not isinstance(request.auth, AuthToken):
            raise CofounderError("Make this request with the token that is to end.")
        request.auth.delete()
        return Response(status=204)
