"""Which service a failure is about."""

import pytest

from agents.failures.services import host_in, service_of


@pytest.mark.parametrize(
    ("command", "said", "service"),
    [
        ("curl https://api.stripe.com/v1/charges", "401", "Stripe"),
        ("curl https://api.weather.example.com/now", "401", "api.weather.example.com"),
        ("python a.py", "smtplib.SMTPAuthenticationError: (535, b'5.7.8 ...')", "the mail server"),
        ("python a.py", "535 Username and Password not accepted - gsmtp", "Gmail"),
        ("git push", "git@gitlab.com: Permission denied (publickey).", "GitLab"),
        ("git push", "git@code.acme.org: Permission denied (publickey).", "code.acme.org"),
        ("node a.js", "getaddrinfo ENOTFOUND api.acme.io", "api.acme.io"),
        ("aws s3 ls", "An error occurred (AccessDenied)", "Amazon S3"),
        ("curl https://api.acme.io", "see https://github.com/acme/help", "api.acme.io"),
        ("curl http://localhost:8000/login", "401 Unauthorized", ""),
        ("python a.py", "Unauthorized", ""),
    ],
)
def test_a_service_is_named_as_a_founder_knows_it(command: str, said: str, service: str) -> None:
    assert service_of(command, said) == service


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("https://user:secret@api.acme.io:8443/x?key=1", "api.acme.io"),
        ("http://127.0.0.1:8000 and http://[::1]/ and http://app.localhost/", ""),
        ("https://[::1", ""),
        ("", ""),
    ],
)
def test_only_hosts_of_others_are_named_and_nothing_else_of_an_address(text: str, host: str) -> None:
    assert host_in(text) == host
