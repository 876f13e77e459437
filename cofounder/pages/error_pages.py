"""Error pages in our own design."""

from math import ceil

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

LONG_ENOUGH = 60.0  # seconds, where nobody says how long


def _page(request: HttpRequest, status: int) -> HttpResponse:
    return render(request, f"{status}.html", status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, 404)


def too_many(request: HttpRequest, wait: float = LONG_ENOUGH) -> HttpResponse:
    response = _page(request, 429)
    response["Retry-After"] = str(ceil(wait))
    return response
