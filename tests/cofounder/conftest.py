"""Founders in their browser."""

import pytest
from django.test import Client

from cofounder.models import User
from tests.builds import job, question, working_job

__all__ = ["job", "question", "working_job"]


@pytest.fixture
def browser(founder: User) -> Client:
    """The founder, signed in."""
    client = Client()
    client.force_login(founder)
    return client


@pytest.fixture
def other_browser(other_founder: User) -> Client:
    client = Client()
    client.force_login(other_founder)
    return client
