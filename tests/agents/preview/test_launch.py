import json
from typing import Any

import pytest

from agents.preview import declaration, launch, probe
from agents.preview.declaration import DeclarationError
from agents.preview.launch import AppFailed
from agents.preview.probe import Status, judge
from agents.sandbox.workspace import Workspace

pytestmark = pytest.mark.services

PAGE = "<html><head><title>Uniform\n Swap</title></head><body><h1>Hello</h1></body></html>"
APP = """
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int(self.path.strip('/') or 200))
        self.send_header('Content-Type', 'text/html')
        self.end_headers()
        self.wfile.write(open('page.html', 'rb').read())
HTTPServer(('0.0.0.0', int(os.environ['PORT'])), Page).serve_forever()
"""


async def declare(workspace: Workspace, *, app: str = APP, **fields: Any) -> declaration.Declaration:
    await workspace.write("app.py", app.encode())
    await workspace.write("page.html", PAGE.encode())
    content = {"start": "exec python3 app.py", "port": 8000, "checks": [], **fields}
    await workspace.write("cofounder.json", json.dumps(content).encode())
    return await declaration.declaration(workspace)


async def test_the_declared_app_is_started_and_answers_from_outside(workspace: Workspace) -> None:
    url = await launch.start_app(workspace, await declare(workspace))
    assert url.startswith("http://8000-")
    answer = await probe.ask(url)
    assert (answer.status, answer.http_status, answer.title) == (Status.ANSWERS, 200, "Uniform Swap")
    assert (await probe.ask(f"{url}/500")).status == Status.DOWN


async def test_starting_again_takes_the_port_from_whatever_had_it(workspace: Workspace) -> None:
    declared = await declare(workspace)
    await workspace.run("mkdir other; cd other; exec python3 -m http.server 8000", background=True)
    while (await probe.ask(workspace.host(8000))).http_status is None:
        pass
    for _ in range(2):
        url = await launch.start_app(workspace, declared)
        assert (await probe.ask(url)).title == "Uniform Swap"


async def test_an_app_that_ends_at_once_is_told_with_its_log(workspace: Workspace) -> None:
    declared = await declare(workspace, start="echo no database; exit 1")
    with pytest.raises(AppFailed, match="no database"):
        await launch.start_app(workspace, declared)


async def test_nothing_answers_before_the_start(workspace: Workspace) -> None:
    answer = await probe.ask(workspace.host(8000))
    assert (answer.status, answer.http_status) == (Status.DOWN, None)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "Invalid JSON"),
        ("[]", "object"),
        ('{"port": 8000}', "start: Field required"),
        (r'{"start": "a\u0000b", "port": 8000}', "start: "),
        ('{"start": " ", "port": 8000}', "start: "),
        ('{"start": "x", "port": 80}', "port: "),
        (
            '{"start": "x", "port": 8000, "checks": [{"promise": "p"}]}',
            "checks.0: Value error, a check needs either run or journey",
        ),
    ],
)
async def test_a_wrong_declaration_is_told_in_a_sentence(
    workspace: Workspace, content: str, sentence: str
) -> None:
    await workspace.write("cofounder.json", content.encode())
    with pytest.raises(DeclarationError, match=r"^cofounder\.json: ") as wrong:
        await declaration.declaration(workspace)
    assert sentence in str(wrong.value)


@pytest.mark.parametrize(
    "command",
    [
        "mkdir cofounder.json",
        "ln -s /etc/passwd cofounder.json",
        "mkfifo cofounder.json",
        "head -c 2000000 /dev/zero > cofounder.json",
        "echo {} > cofounder.json; chmod 000 cofounder.json",
    ],
)
async def test_a_declaration_that_is_no_readable_file_is_told_in_a_sentence(
    workspace: Workspace, command: str
) -> None:
    await workspace.run(command)
    with pytest.raises(DeclarationError, match=r"cofounder\.json"):
        await declaration.declaration(workspace)


async def test_a_missing_declaration_is_told(workspace: Workspace) -> None:
    with pytest.raises(DeclarationError, match="no cofounder"):
        await declaration.declaration(workspace)


@pytest.mark.parametrize(
    ("http_status", "body", "status"),
    [
        (200, PAGE, Status.ANSWERS),
        (200, "<title>Empty</title><body>  <style>p{}</style></body>", Status.BLANK),
        (200, '<div id="root"></div><script src="app.js"></script>', Status.ANSWERS),
        (200, "<script>document.body.append('text')</script>", Status.ANSWERS),
        (200, "<img src=x>", Status.ANSWERS),
        (200, "", Status.BLANK),
        (401, "Sign in", Status.ANSWERS),
        (404, PAGE, Status.DOWN),
        (500, PAGE, Status.DOWN),
    ],
)
def test_a_page_is_judged_by_what_can_be_seen(http_status: int, body: str, status: Status) -> None:
    assert judge(http_status, "text/html; charset=utf-8", body).status == status


@pytest.mark.parametrize(
    ("body", "drawn"),
    [
        ('<div id="root"></div><script type="module">draw()</script>', True),
        ('<div id="root"></div><script src="app.js"></script>', True),
        ("<h1>Here</h1><script src='app.js'></script>", False),
        ("<div></div>", False),
    ],
)
def test_of_a_page_that_only_its_script_draws_nothing_is_known_yet(body: str, drawn: bool) -> None:
    assert judge(200, "text/html", body).drawn_by_script is drawn


def test_data_is_an_answer() -> None:
    assert judge(200, "application/json", "{}").status == Status.ANSWERS
