"""Rate limits on changes; reading is not limited, unless a view sets `throttle_reads`."""

from typing import Any

from rest_framework.permissions import SAFE_METHODS
from rest_framework.throttling import ScopedRateThrottle


class ChangesThrottle(ScopedRateThrottle):
    """Counts by a view's `throttle_scope`: per user, or per IP address when nobody is signed in."""

    def allow_request(self, request: Any, view: Any) -> bool:
        is_free = request.method in SAFE_METHODS and not getattr(view, "throttle_reads", False)
        return is_free or super().allow_request(request, view)
