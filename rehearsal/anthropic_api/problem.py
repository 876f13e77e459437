"""What is wrong with a request, in the API's own words and format."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Problem:
    """One reason to reject a request."""

    message: str
    status: int = 400
    type: str = "invalid_request_error"
    error_code: str | None = None

    def body(self, request_id: str) -> dict[str, Any]:
        error: dict[str, Any] = {"type": self.type, "message": self.message}
        if self.error_code:
            error["details"] = {"error_code": self.error_code}
        return {"type": "error", "error": error, "request_id": request_id}
