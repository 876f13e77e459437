"""Every address under /api/. None ends with a slash."""

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.urls import URLPattern, URLResolver, include, path, re_path

from cofounder.accounts.api_tokens import TokensView
from jobs.api.errors import unknown_address


def schema(request: HttpRequest) -> HttpResponseBase:
    """The OpenAPI document. What makes it is loaded by the first who asks."""
    from drf_spectacular.views import SpectacularAPIView

    view: Any = SpectacularAPIView.as_view()
    answer: HttpResponseBase = view(request)
    return answer


def docs(request: HttpRequest) -> HttpResponseBase:
    """The document as a page to read and try."""
    from drf_spectacular.views import SpectacularSwaggerSplitView

    view: Any = SpectacularSwaggerSplitView.as_view(url_name="schema")
    answer: HttpResponseBase = view(request)
    return answer


urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("jobs.urls")),
    path("", include("escalations.urls")),
    path("", include("agents.urls")),
    path("auth/tokens", TokensView.as_view()),
    path("schema", schema, name="schema"),
    path("docs", docs, name="docs"),
    re_path("", unknown_address),
]
