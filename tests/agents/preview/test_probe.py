"""Asking an app for its page. What an answer says is tested with the start of the app."""

import pytest

from agents.preview import probe
from agents.preview.probe import Answer, Status, judge
from tests.agents.outside.raw_server import http, raw_server


async def test_an_app_that_leads_elsewhere_is_down_and_nothing_follows_it() -> None:
    async with raw_server() as app, raw_server() as inner:
        place = f"http://127.0.0.1:{inner.port}"
        app.answers["/"] = http(b"", f"Location: {place}/admin", status="302 Found")
        assert await probe.ask(app.url) == Answer(Status.DOWN, 302, leads_to=place)
    assert inner.heads == []


async def test_a_page_behind_a_redirect_of_the_app_is_judged() -> None:
    async with raw_server() as app:
        app.answers["/"] = http(b"", "Location: /home", status="302 Found")
        app.answers["/home"] = http(b"<title>Home</title><h1>Hello</h1>")
        assert await probe.ask(app.url) == Answer(Status.ANSWERS, 200, "Home")


@pytest.mark.parametrize("status", ["502 Bad Gateway", "503 Away", "504 Timeout"])
async def test_an_answer_of_the_proxy_in_front_is_none_of_the_app(status: str) -> None:
    async with raw_server() as app:
        app.answers["/"] = http(b"<h1>no answer</h1>", status=status)
        assert await probe.ask(app.url) == Answer(Status.DOWN)


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:1/", "file:///etc/passwd", "http://[", "http://a:b/"])
async def test_what_cannot_be_asked_is_down(url: str) -> None:
    assert await probe.ask(url) == Answer(Status.DOWN)


def test_a_title_is_kept_short() -> None:
    answer = judge(200, "text/html", f"<title>{'a title ' * 1000}</title><p>x")
    assert (len(answer.title), answer.status) == (probe.LONGEST_TITLE, Status.ANSWERS)


def test_what_is_within_something_invisible_is_not_seen() -> None:
    assert (
        judge(200, "text/html", "<template><style></style><p>x</template></template>").status == Status.BLANK
    )
    assert judge(200, "text/html", "<template><template>x</template>y</template>").status == Status.BLANK
    assert judge(200, "text/html", "</template></p><template></template>x").status == Status.ANSWERS
