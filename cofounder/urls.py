"""Every address of the site."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.defaults import server_error

from cofounder.admin import ledger
from cofounder.operations import probes
from cofounder.pages import error_pages
from jobs.api.errors import shaped

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", probes.healthz, name="healthz"),
    path("readyz", probes.readyz, name="readyz"),
    path("metrics", probes.metrics, name="metrics"),
    path("admin/ledger/", admin.site.admin_view(ledger.ledger), name="admin-ledger"),
    path("admin/", admin.site.urls),
    path("api/", include("cofounder.api_urls")),
    path("", include("cofounder.page_urls")),
]

handler400 = shaped(400, error_pages.bad_request)
handler403 = shaped(403, error_pages.forbidden)
handler404 = shaped(404, error_pages.not_found)
handler429 = error_pages.too_many  # allauth's
handler500 = shaped(500, server_error)
