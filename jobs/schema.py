"""What the OpenAPI document says of every call alike."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from rest_framework.permissions import SAFE_METHODS

ERROR = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
REFUSED = {"description": "Any other refusal has this shape too.", "content": ERROR}
NOT_FROM_HERE = {"description": "Sent from another site's page, or without its CSRF token.", "content": ERROR}
TOO_OFTEN = {"description": "Asked too often; `Retry-After` says when to come again.", "content": ERROR}


class Schema(AutoSchema):
    """Adds what a view answers by its nature: 403 to forged changes, 429 where it counts."""

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
    """Add the one error shape to each call: a wrong method, too large, not JSON, and so on."""
    for calls in result["paths"].values():
        for call in calls.values():
            call["responses"].setdefault("4XX", REFUSED)
    return result
