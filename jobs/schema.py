"""What the OpenAPI document says of every call alike."""

from typing import Any

ERROR = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
REFUSED = {"description": "Any other refusal has this shape too.", "content": ERROR}


def every_refusal(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add the one error shape to each call: too often, too large, not JSON, not acceptable, and so on."""
    for calls in result["paths"].values():
        for call in calls.values():
            call["responses"].setdefault("4XX", REFUSED)
    return result
