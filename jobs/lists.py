"""Lists of the API: bare JSON arrays, `?limit=`, the next page in a `Link` header."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from jobs.errors import CofounderError


class LinkPagination(LimitOffsetPagination):
    default_limit = 50
    max_limit = 200

    def get_paginated_response(self, data: Any) -> Response:
        return linked(data, self.get_next_link())

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return schema


LIMIT = OpenApiParameter("limit", int, description="How many, at most 200; 50 when not given.")
OFFSET = OpenApiParameter("offset", int, description="How many to leave out; the Link header holds the next.")
AFTER = OpenApiParameter("after", int, description="Only what comes after this number; 0 when not given.")
PAGE = [LIMIT, OFFSET]


def linked(data: Any, next_page: str | None) -> Response:
    headers = {"Link": f'<{next_page}>; rel="next"'} if next_page else None
    return Response(data, headers=headers)


def page_of(view: APIView, rows: QuerySet[Any], serializer: type[Any]) -> Response:
    """One page of the rows."""
    paginator = LinkPagination()
    page = paginator.paginate_queryset(rows, view.request, view)
    return paginator.get_paginated_response(serializer(page, many=True).data)


def page_after(request: Request, rows: QuerySet[Any], number: str) -> tuple[Sequence[Any], str | None]:
    """The rows whose `number` comes after `?after=`, and the address of the next page."""
    limit = LinkPagination().get_limit(request) or LinkPagination.default_limit
    found = list(rows.filter(**{f"{number}__gt": number_from(request, "after")})[: limit + 1])
    if len(found) <= limit:
        return found, None
    page = found[:limit]
    return page, replace_query_param(request.build_absolute_uri(), "after", getattr(page[-1], number))


def number_from(request: Request, name: str) -> int:
    """A number of the query that a database can hold, 0 when not given."""
    number = as_number(request.query_params.get(name, "0"))
    if number is None:
        raise CofounderError(f"{name} must be a whole number, 0 or more.", field=name)
    return number


def as_number(text: str) -> int | None:
    """A whole number of at most 18 digits; None for everything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
