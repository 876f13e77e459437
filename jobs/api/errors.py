"""Errors of the API: one shape, `{"error": {"code", "message", "fields"?}}`."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.views import exception_handler, set_rollback

from jobs.errors import CofounderError, TooLarge


def body(code: str, message: str, fields: dict[str, list[str]] | None = None) -> dict[str, Any]:
    error: dict[str, Any] = {"code": code, "message": message}
    if fields:
        error["fields"] = fields
    return {"error": error}


def error_response(error: Exception, context: dict[str, Any]) -> JsonResponse | None:
    """DRF's exception handler: gives every refusal our one shape, also where a view renders no JSON.

    Any other exception stays a 500.
    """
    if isinstance(error, RequestDataTooBig):
        error = TooLarge()
    if isinstance(error, CofounderError):
        set_rollback()
        fields = {error.field: [str(error)]} if error.field else None
        return JsonResponse(body(error.code, str(error), fields), status=error.status_code)
    if isinstance(error, Http404):
        error = exceptions.NotFound("Nothing of yours is at this address.")
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    response = exception_handler(error, context)
    if response is None or not isinstance(error, exceptions.APIException):
        return None
    if isinstance(error, exceptions.ValidationError):
        fields = _fields(error.detail)
        first = next(iter(fields.items()), ("", ["Invalid."]))
        message = first[1][0] if first[0] in ("", "non_field_errors") else f"{first[0]}: {first[1][0]}"
        said = body("invalid", message, fields)
    else:
        said = body(str(error.get_codes()), str(error.detail))
    headers = {name: response[name] for name in ("WWW-Authenticate", "Retry-After") if name in response}
    return JsonResponse(said, status=response.status_code, headers=headers)


def _fields(detail: Any, path: str = "") -> dict[str, list[str]]:
    """Flatten nested validation errors to `{"a.b": [sentences]}`."""
    if isinstance(detail, dict):
        pairs = [(f"{path}.{key}" if path else str(key), value) for key, value in detail.items()]
    elif isinstance(detail, list) and any(isinstance(item, dict | list) for item in detail):
        pairs = [(f"{path}.{position}", value) for position, value in enumerate(detail) if value]
    else:
        sentences = detail if isinstance(detail, list) else [detail]
        return {path: [str(sentence) for sentence in sentences]}
    merged: dict[str, list[str]] = {}
    for key, value in pairs:
        merged.update(_fields(value, key))
    return merged


@csrf_exempt
def unknown_address(request: HttpRequest) -> JsonResponse:
    """The 404 of every unknown address under /api/."""
    return JsonResponse(body("not_found", "There is nothing at this address."), status=404)


Handler = Callable[..., HttpResponse]
_SENTENCES = {
    400: ("invalid", "The request cannot be read."),
    403: ("permission_denied", "This is not allowed."),
    404: ("not_found", "There is nothing at this address."),
    500: ("internal", "Something went wrong on our side. Please try again in a moment."),
}


def shaped(status_code: int, page: Handler) -> Handler:
    """An error handler of Django that keeps the API's shape under /api/ and shows `page` elsewhere."""

    def handler(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.path_info.startswith("/api/"):
            return JsonResponse(body(*_SENTENCES[status_code]), status=status_code)
        return page(request, *args, **kwargs)

    return handler
