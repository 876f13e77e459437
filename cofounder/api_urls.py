"""Every address under /api/. None ends with a slash."""

from django.urls import URLPattern, URLResolver, include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from cofounder.accounts.api_tokens import TokensView
from jobs.api.errors import unknown_address

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("jobs.urls")),
    path("", include("escalations.urls")),
    path("", include("agents.urls")),
    path("auth/tokens", TokensView.as_view()),
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    re_path("", unknown_address),
]
