from django.http import HttpRequest
from django.views.debug import get_exception_reporter_filter
from pytest_django import Settings

from cofounder.http.error_reports import Hiding


def test_what_is_sensitive_is_hidden_with_debug_too(settings: Settings) -> None:
    settings.DEBUG = True
    found = get_exception_reporter_filter(HttpRequest())

    assert isinstance(found, Hiding)
    assert found.is_active(HttpRequest())
