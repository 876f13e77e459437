"""API tokens: created by signing in, ended by a request that uses them."""

from typing import Any

from allauth.account.adapter import get_adapter
from django.core.exceptions import ValidationError
from drf_spectacular.authentication import BasicScheme
from drf_spectacular.utils import extend_schema
from knox.auth import TokenAuthentication
from knox.models import AuthToken
from knox.views import LoginView
from rest_framework import serializers
from rest_framework.authentication import BasicAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request
from rest_framework.response import Response

from cofounder.accounts.second_factor import has_second_factor
from cofounder.models import User
from jobs.api.serializers import ErrorSerializer
from jobs.errors import CofounderError

LOCKED_SECONDS = 5 * 60  # after allauth's ACCOUNT_RATE_LIMITS["login_failed"]


class PasswordAuthentication(BasicAuthentication):
    """E-mail and password; failures count together with those of the sign-in page."""

    def authenticate_credentials(self, userid: str, password: str, request: Any = None) -> tuple[Any, None]:
        try:
            user = get_adapter(request).authenticate(
                request, email=userid.replace("\0", ""), password=password.replace("\0", "")
            )
        except ValidationError as error:
            raise Throttled(LOCKED_SECONDS) from error
        if user is None:
            raise AuthenticationFailed("E-mail address or password is wrong.")
        if has_second_factor(user):
            raise AuthenticationFailed("A password alone is not enough here. Make the token in Settings.")
        return user, None


class EndWithThePassword:
    """Ends a user's tokens with a new password, wherever it is set; Django tells its validators of each."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Any password will do."""

    def get_help_text(self) -> str:
        return "A new password ends the tokens for programs."

    def password_changed(self, password: str, user: User) -> None:
        if user.pk is not None:
            AuthToken.objects.filter(user=user.pk).delete()


class PasswordScheme(BasicScheme):  # type: ignore[no-untyped-call]  # drf_spectacular registers it
    target_class = PasswordAuthentication  # type: ignore[assignment]  # a class will do


class TokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="Shown this once. Send it as `Authorization: Token …`.")
    expiry = serializers.DateTimeField()


class TokensView(LoginView):  # type: ignore[misc]  # knox has no types
    authentication_classes = (TokenAuthentication, PasswordAuthentication, SessionAuthentication)
    throttle_scope = "tokens"

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
