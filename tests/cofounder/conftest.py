"""Founders in their browser."""

from typing import Any

import pytest
from django.test import Client

from tests.builds import job, question, working_job

__all__ = ["job", "question", "working_job"]


@pytest.fixture
def browser(founder: Any) -> Client:
    """The founder, signed in."""
    client = Client()
    client.force_login(founder)
    return client


@pytest.fixture
def other_browser(other_founder: Any) -> Client:
    client = Client()
    client.force_login(other_founder)
    return client
