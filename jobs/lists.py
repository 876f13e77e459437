"""Lists of the API: bare JSON arrays, `?limit=` and `?offset=`, the next page in a `Link` header."""

from typing import Any

from rest_framework.pagination import LimitOffsetPagination
from rest_framework.response import Response


class LinkPagination(LimitOffsetPagination):
    default_limit = 50
    max_limit = 200

    def get_paginated_response(self, data: Any) -> Response:
        next_page = self.get_next_link()
        headers = {"Link": f'<{next_page}>; rel="next"'} if next_page else None
        return Response(data, headers=headers)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return schema
