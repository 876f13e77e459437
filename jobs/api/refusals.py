"""The refusals that views declare for the OpenAPI document, by status."""

from jobs.api.serializers import ErrorSerializer

REFUSALS: dict[int, type[ErrorSerializer]] = {401: ErrorSerializer}
NOT_FOUND = {**REFUSALS, 404: ErrorSerializer}
BAD_OR_NOT_FOUND = {**NOT_FOUND, 400: ErrorSerializer}
CONFLICT = {**BAD_OR_NOT_FOUND, 409: ErrorSerializer}
