"""Lists of the API: bare JSON arrays, `?limit=`, the next page in a `Link` header."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from jobs.errors import CofounderError

LIMIT = OpenApiParameter("limit", int, description="How many, at most 200; 50 when not given.")
OFFSET = OpenApiParameter("offset", int, description="How many to leave out; the Link header holds the next.")
AFTER = OpenApiParameter("after", int, description="Only what comes after this number; 0 when not given.")
PAGE = [LIMIT, OFFSET]


class LinkPagination(LimitOffsetPagination):
    default_limit = 50
    max_limit = 200

    def get_paginated_response(self, data: Any) -> Response:
        return linked(data, self.get_next_link())


class AfterPagination(LinkPagination):
    """The rows of a log whose number, `ordering`, comes after `?after=`."""

    ordering: str
    next_link: str | None

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any]:
        limit, after = limit_of(request), number_from(request, "after")
        found = list(queryset.filter(**{f"{self.ordering}__gt": after})[: limit + 1])
        page, self.next_link = found[:limit], None
        if len(found) > limit:
            last = getattr(page[-1], self.ordering)
            self.next_link = replace_query_param(request.build_absolute_uri(), "after", last)
        return page

    def get_next_link(self) -> str | None:
        return self.next_link


def linked(data: Any, next_page: str | None) -> Response:
    headers = {"Link": f'<{next_page}>; rel="next"'} if next_page else None
    return Response(data, headers=headers)


def limit_of(request: Request) -> int:
    return LinkPagination().get_limit(request) or LinkPagination.default_limit


def number_from(request: Request, name: str) -> int:
    """A whole number of the query that fits into a database column; 0 when not given."""
    number = as_number(request.query_params.get(name, "0"))
    if number is None:
        raise CofounderError(f"{name} must be a whole number, 0 or more.", field=name)
    return number


def as_number(text: str) -> int | None:
    """A whole number of at most 18 digits; None for everything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
