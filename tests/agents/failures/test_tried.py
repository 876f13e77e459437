"""What a call was meant to do, in plain words."""

from typing import Any

import pytest

from agents.failures.tried import doing, setting
from agents.turns import ToolCall


def bash(command: str) -> ToolCall:
    return ToolCall("id", "bash", {"command": command})


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("pip install flask gunicorn", "install flask and gunicorn"),
        ("python3 scripts/import_orders.py --all", "run the script “import orders”"),
        ("python3 -c 'import os, sys; print(1)'", "run a short script"),
        ("node -e \"require('nodemailer')\"", "run a short script with nodemailer"),
        ("python3 - <<'X'\nimport requests\nX", "run a short script with requests"),
        ("ffmpeg -i in.mp4 out.gif", "run “ffmpeg”"),
        ("docker pull acme/x", "exchange a container with its registry"),
        ("curl -f http://localhost:8000/", "open the running product"),
        ("git push origin main", "sync the code with its online copy"),
        ("npm ci && npm run build", "install what the product needs and build the product"),
        ("python manage.py migrate", "prepare the database"),
        ("pytest -q", "run the product's tests"),
        ("'unclosed", "run a command"),
    ],
)
def test_a_command_is_told_by_its_purpose(command: str, words: str) -> None:
    assert doing(bash(command)) == words


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("write_file", {"path": "a"}, "save a file"),
        ("take_screenshot", {}, "look at the page"),
        ("plan", {}, "take a step"),
    ],
)
def test_another_tool_is_told_by_its_own(name: str, given: dict[str, Any], words: str) -> None:
    assert doing(ToolCall("id", name, given)) == words


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("pip install a==1.2 --no-deps", " (version 1.2 and no deps)"),
        ("PORT=8001 node app.js", " (port 8001)"),
        ("API_KEY=123456789 node app.js", " (api key)"),
        ("ls", ""),
    ],
)
def test_what_tells_an_attempt_from_others_is_told_without_secrets(command: str, words: str) -> None:
    assert setting(bash(command)) == words
