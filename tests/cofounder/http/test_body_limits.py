"""Requests that are too long, or contain characters that no text contains."""

from typing import Any

import pytest
from channels.testing import HttpCommunicator
from django.test import Client

from cofounder.http.body_limits import bounded
from cofounder.models import User
from jobs.models import Job

MOST = 1_000_000


async def read_all(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"read"})


@pytest.mark.parametrize(("pieces", "status"), [(1, 200), (10, 200), (11, 413), (1000, 413)])
async def test_a_body_in_pieces_is_read_up_to_its_limit(pieces: int, status: int) -> None:
    """No length is announced here, as with chunked transfer."""
    socket = HttpCommunicator(bounded(read_all), "POST", "/projects/new")
    for _ in range(pieces):
        await socket.send_input({"type": "http.request", "body": b"x" * (MOST // 10), "more_body": True})
    await socket.send_input({"type": "http.request", "body": b"", "more_body": False})
    started = await socket.receive_output(timeout=10)
    assert started["status"] == status
    body = (await socket.receive_output(timeout=10))["body"]
    assert (b"at most 1 MB" in body) == (status == 413)


def test_a_long_form_is_refused(browser: Client) -> None:
    answer = browser.post("/projects/new", {"name": "x" * (MOST + 1)}, content_type="application/json")
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "address",
    [
        "/?a=%00",
        "/builds/%00",
        "/enter/%00",
        "/api/jobs?project_id=%00",
        "/api/escalations?status=%00",
        "/api/%00",
    ],
)
def test_a_nul_in_an_address_is_refused(browser: Client, address: str) -> None:
    answer = browser.get(address)
    assert answer.status_code == 400
    if address.startswith("/api/"):
        assert answer.json()["error"]["code"] == "invalid"


@pytest.mark.parametrize("name", ["sessionid", "csrftoken", "messages", "other"])
def test_a_nul_in_a_cookie_is_refused(client: Client, db: None, name: str) -> None:
    answer = client.get("/projects", HTTP_COOKIE=f'{name}="' + r"\000" * 32 + '"')
    assert answer.status_code == 400


def test_a_nul_in_a_form_is_one_sentence(browser: Client, job: Job) -> None:
    answer = browser.post(f"/builds/{job.pk}/messages", {"text": "a\0b"}, headers={"HX-Request": "true"})
    assert (answer.status_code, "control characters" in answer.text) == (400, True)


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe",
        b'{"name": "\xc3"}',
        b'{"name": "\\u0000"}',
        b'{"name": "\\ud800"}',
        b"[" * 5000,
        b"{",
        b"",
        b"nul",
    ],
)
def test_invalid_json_is_400_in_the_usual_shape(browser: Client, body: bytes) -> None:
    answer = browser.post("/api/projects", body, content_type="application/json")
    assert (answer.status_code, set(answer.json()["error"]) >= {"code", "message"}) == (400, True)


@pytest.mark.parametrize(
    ("method", "address", "headers", "status"),
    [
        ("put", "/api/projects", {}, 405),
        ("post", "/api/docs", {}, 405),
        ("post", "/api/schema", {}, 405),
        ("get", "/api/projects", {"accept": "text/csv"}, 406),
        ("get", "/api/schema", {"accept": "text/csv"}, 406),
        ("post", "/api/projects", {"content-type": "text/csv"}, 415),
        ("post", "/api/nothing", {}, 404),
        ("get", "/api/jobs/1", {}, 404),
        ("get", "/api/jobs/00000000-0000-0000-0000-000000000000", {}, 404),
    ],
)
def test_every_error_of_the_api_has_the_one_shape(
    browser: Client, method: str, address: str, headers: dict[str, str], status: int
) -> None:
    given = {"content_type": headers.get("content-type", "application/json")} if method != "get" else {}
    answer = getattr(browser, method)(address, headers=headers, **given)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/json")
    assert set(answer.json()) == {"error"}
    assert answer.json()["error"]["message"]


def test_a_strange_address_asked_with_a_form_has_the_shape_too(founder: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/api/nothing").json()["error"]["code"] == "not_found"
