"""What the OpenAPI document says about every operation."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from rest_framework.permissions import SAFE_METHODS

ERROR = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
REFUSED = {"description": "Any other refusal has this shape too.", "content": ERROR}
NOT_FROM_HERE = {"description": "Sent from another site's page, or without its CSRF token.", "content": ERROR}
TOO_OFTEN = {"description": "Asked too often; `Retry-After` says when to come again.", "content": ERROR}


class Schema(AutoSchema):
    """Adds the responses that follow from a view: 403 for failed CSRF checks, 429 where it is throttled."""

    def _get_paginator(self) -> None:
        """A page is the bare array of its rows, not an envelope with a schema of its own."""

    def _get_response_bodies(self, *arguments: Any, **named: Any) -> Any:
        described = super()._get_response_bodies(*arguments, **named)
        is_safe = self.method in SAFE_METHODS
        if not is_safe:
            described.setdefault("403", NOT_FROM_HERE)
        if getattr(self.view, "throttle_scope", "") and (
            not is_safe or getattr(self.view, "throttle_reads", False)
        ):
            described.setdefault("429", TOO_OFTEN)
        return described


def every_refusal(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add the one error shape to each operation: wrong method, too large, not JSON, and so on."""
    for calls in result["paths"].values():
        for call in calls.values():
            call["responses"].setdefault("4XX", REFUSED)
    return result
