from typing import Any

import pytest

from agents.failures.categories import Category, categorise
from agents.failures.failure import (
    Escalate,
    Retry,
    concerns,
    decide,
    failure_of,
    is_expected,
    is_proven,
    proven_by,
)
from agents.failures.signatures import gist, normalise, signature
from agents.failures.test_output import failing_tests
from agents.turns import ToolCall, ToolResult, text_block

AUTH, PERMISSION = Category.AUTHENTICATION, Category.PERMISSION
MISSING, RATE = Category.MISSING_CREDENTIALS, Category.RATE_LIMIT
CODE, ENV = Category.CODE_ERROR, Category.ENV_ERROR


def bash(
    command: str, output: str = "", exit_code: int = 1, error_type: str | None = None, **inputs: Any
) -> ToolResult:
    """The output of a command."""
    kind = ("command_failed" if exit_code else "") if error_type is None else error_type
    call = ToolCall("t", "bash", {"command": command, **inputs})
    content = [text_block(f"{output}\n[exit {exit_code}]")]
    return ToolResult(
        call, f"Ran: {command}", content, is_error=bool(kind), error_type=kind, exit_code=exit_code
    )


TEXTS = [
    # Python
    ("ModuleNotFoundError: No module named 'flask'", ENV),
    ("ImportError: libGL.so.1: cannot open shared object file: No such file or directory", ENV),
    ("ImportError: cannot import name 'authenticate' from 'app.auth' (/home/user/app/app/auth.py)", CODE),
    ("NameError: name 'subscription_page' is not defined", CODE),
    ("NameError: name 'permission_denied' is not defined", CODE),
    ("AttributeError: 'User' object has no attribute 'unauthorized'", CODE),
    ("TypeError: connect() got an unexpected keyword argument 'timeout_seconds'", CODE),
    ("SyntaxError: invalid syntax. Perhaps you forgot a comma?", CODE),
    ("KeyError: 'name'", CODE),
    ("KeyError: 'STRIPE_API_KEY'", MISSING),
    ("KeyError: 'SECRET_KEY'", CODE),
    ("KeyError: 'DJANGO_SECRET_KEY'", CODE),
    ("ValueError: invalid literal for int() with base 10: '401'", CODE),
    ("PermissionError: [Errno 13] Permission denied: '/srv/reports/today.csv'", PERMISSION),
    ("OSError: [Errno 98] Address already in use", ENV),
    ("OSError: [Errno 28] No space left on device", ENV),
    ("MemoryError", ENV),
    ("django.core.exceptions.ImproperlyConfigured: The SECRET_KEY setting must not be empty.", CODE),
    ('django.db.utils.ProgrammingError: relation "auth_permission" does not exist', CODE),
    ("django.template.exceptions.TemplateDoesNotExist: registration/login.html", CODE),
    (
        "openai.AuthenticationError: Error code: 401 - {'error': {'message': 'Incorrect API key provided'}}",
        AUTH,
    ),
    ("openai.RateLimitError: Error code: 429 - You exceeded your current quota", RATE),
    ("stripe.error.AuthenticationError: Invalid API Key provided: sk_test_****1234", AUTH),
    ("stripe.error.AuthenticationError: No API key provided. (HINT: set your API key)", MISSING),
    ("botocore.exceptions.NoCredentialsError: Unable to locate credentials", MISSING),
    (
        "botocore.exceptions.ClientError: An error occurred (AccessDenied) when calling PutObject",
        PERMISSION,
    ),
    ("smtplib.SMTPAuthenticationError: (535, b'5.7.8 Username and Password not accepted.')", AUTH),
    (
        "requests.exceptions.HTTPError: 401 Client Error: Unauthorized for url: https://api.example.com/v1",
        AUTH,
    ),
    (
        "requests.exceptions.HTTPError: 403 Client Error: Forbidden for url: https://api.example.com/v1",
        PERMISSION,
    ),
    (
        "requests.exceptions.HTTPError: 429 Client Error: Too Many Requests for url: https://api.example.com",
        RATE,
    ),
    (
        "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='x.example.com'): Max retries "
        "exceeded (Caused by NameResolutionError: getaddrinfo failed)",
        ENV,
    ),
    ("AssertionError: '401 Unauthorized' != '200 OK'", CODE),
    # pip
    ("ERROR: No matching distribution found for flaskk==9.9", ENV),
    ("ERROR: Could not find a version that satisfies the requirement flaskk (from versions: none)", ENV),
    ("Error: pg_config executable not found.", ENV),
    ("error: externally-managed-environment", ENV),
    ("ERROR: ResolutionImpossible: for help visit https://pip.example.org/topics/dependency", ENV),
    (
        "ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: "
        "'/usr/lib/python3/dist-packages/six.py'",
        ENV,
    ),
    # Node and npm
    ("ReferenceError: setTimeoutt is not defined", CODE),
    ("TypeError: setTimeout(...).unref is not a function", CODE),
    ("TypeError: Cannot read properties of undefined (reading 'token')", CODE),
    ("SyntaxError: Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON", CODE),
    ("Error: Cannot find module 'express'", ENV),
    ("Error: connect ECONNREFUSED 127.0.0.1:5432", ENV),
    ("Error: getaddrinfo ENOTFOUND db.example.com", ENV),
    ("Error: listen EADDRINUSE: address already in use :::3000", ENV),
    ("Error: listen EACCES: permission denied 0.0.0.0:80", ENV),
    ("FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", ENV),
    ("OpenAIError: The OPENAI_API_KEY environment variable is missing or empty", MISSING),
    ("npm ERR! code E404", ENV),
    ("npm ERR! code ERESOLVE", ENV),
    ("npm ERR! code ENEEDAUTH", MISSING),
    ("npm ERR! code E401", AUTH),
    ("npm ERR! code E403", PERMISSION),
    ("npm error code EBADENGINE", ENV),
    ("npm ERR! Error: EACCES: permission denied, mkdir '/usr/local/lib/node_modules'", ENV),
    ('npm ERR! Missing script: "tokenize"', CODE),
    ("src/auth.ts(12,5): error TS2304: Cannot find name 'unauthorized'.", CODE),
    ("Module not found: Error: Can't resolve 'lodash' in '/home/user/app/src'", ENV),
    # git
    ("git@github.com: Permission denied (publickey).", AUTH),
    ("fatal: Authentication failed for 'https://github.com/a/b.git/'", AUTH),
    ("fatal: could not read Username for 'https://github.com': No such device or address", MISSING),
    ("remote: Permission to a/b.git denied to someone.", PERMISSION),
    ("fatal: not a git repository (or any of the parent directories): .git", CODE),
    ("fatal: unable to access 'https://github.com/a/b/': Could not resolve host: github.com", ENV),
    ("CONFLICT (content): Merge conflict in app/permissions.py", CODE),
    # curl
    ("curl: (22) The requested URL returned error: 401", AUTH),
    ("curl: (22) The requested URL returned error: 403", PERMISSION),
    ("curl: (22) The requested URL returned error: 429", RATE),
    ("curl: (6) Could not resolve host: api.example.com", ENV),
    ("curl: (7) Failed to connect to localhost port 8000 after 0 ms: Connection refused", ENV),
    ("curl: (60) SSL certificate problem: unable to get local issuer certificate", ENV),
    # compilers
    ("main.c:401:9: error: 'forbidden' undeclared (first use in this function)", CODE),
    ("error[E0425]: cannot find value `rate_limit` in this scope", CODE),
    ("./main.go:12:2: undefined: Unauthorized", CODE),
    ("app.c:3:10: fatal error: Python.h: No such file or directory", ENV),
    ("error: linker `cc` not found", ENV),
    ("/usr/bin/ld: cannot find -lssl", ENV),
    # databases
    (
        'psql: error: connection to server at "localhost" (127.0.0.1), port 5432 failed: Connection refused',
        ENV,
    ),
    ('FATAL:  password authentication failed for user "app"', AUTH),
    (
        'connection to server at "localhost" failed: FATAL: password authentication failed for user "app"',
        ENV,
    ),
    ("ERROR:  permission denied for table orders", PERMISSION),
    ('ERROR:  column "token" of relation "users" does not exist', CODE),
    ("sqlite3.OperationalError: no such table: permissions", CODE),
    ("sqlite3.OperationalError: database is locked", ENV),
    ('ERROR:  duplicate key value violates unique constraint "users_email_key"', CODE),
    ("ERROR 1045 (28000): Access denied for user 'root'@'db.example.com' (using password: NO)", AUTH),
    ("(error) NOAUTH Authentication required.", AUTH),
    # shells
    ("bash: line 1: pnpm: command not found", ENV),
    ("bash: ./run.sh: Permission denied", ENV),
    ("sh: 1: vite: not found", ENV),
    ("bash: -c: line 1: syntax error near unexpected token `('", CODE),
    ("cp: cannot create regular file '/etc/hosts2': Permission denied", PERMISSION),
    ("Segmentation fault (core dumped)", CODE),
    ("Killed", ENV),
    ("make: *** [Makefile:4: forbidden_words] Error 2", CODE),
    ("Error response from daemon: toomanyrequests: You have reached your pull rate limit.", RATE),
    ("Error: gh: API rate limit exceeded for 10.0.0.1. (HTTP 403)", RATE),
]


@pytest.mark.parametrize(("text", "category"), TEXTS)
def test_an_error_text_is_of_its_category(text: str, category: Any) -> None:
    assert categorise("command_failed", gist(text)) == category


def test_the_error_texts_are_many_and_distinct() -> None:
    assert len(TEXTS) >= 60
    apart = {signature("p", "e", text) for text, _ in TEXTS}
    assert len(apart) == len(TEXTS)


TOGETHER = [
    (
        '  File "/home/user/app/a.py", line 12, in f\n    g()\nValueError: bad size 3',
        '  File "/tmp/b/c.py", line 907, in h\n    k(1)\nValueError: bad size 41',
    ),
    (
        "\x1b[31mError:\x1b[0m listen EADDRINUSE: address already in use :::3000",
        "Error: listen EADDRINUSE: address already in use :::3001",
    ),
    ("/home/user/app/src/x.c:3:5: error: expected ';'", "/tmp/build-9/src/y.c:77:12: error: expected ';'"),
    (
        "<app.models.Item object at 0x7f12aa> is not saved",
        "<app.models.Item object at 0x55e0bc91> is not saved",
    ),
    ("2024-01-02T03:04:05.123Z error: worker died", "2025-11-12T23:59:00Z error: worker died"),
    ("[12/Nov/2025 10:11:12] error: worker died", "[13/Nov/2025 01:02:03] error: worker died"),
    (
        "Error: no order 3f2b8c1e-1111-4222-8333-944455556666",
        "Error: no order 00000000-aaaa-4bbb-8ccc-dddddddddddd",
    ),
    ("Error: timed out after 30s", "Error: timed out after 1200ms"),
    ("Error: timed out after 30 seconds", "Error: timed out after 45 seconds"),
    (
        "fatal: bad object 9fceb02d0ae598e95dc970b74767f19372d61af8",
        "fatal: bad object 4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    ),
    (
        "Error: ENOENT: no such file or directory, open 'config/a.json'",
        "Error: ENOENT: no such file or directory, open '/home/user/app/b.json'",
    ),
    ("error: could not open tmpab12cd_9", "error: could not open tmpzz98xy_1"),
    (
        "curl: (7) Failed to connect to localhost port 8000 after 0 ms: Couldn't connect to server",
        "curl: (7) Failed to connect to localhost port 3000 after 12 ms: Couldn't connect to server",
    ),
    (
        "npm ERR! code E404\nnpm ERR! 404 'lefft' is not there\nnpm ERR! A complete log of this run is in:\n"
        "npm ERR!     /home/u/.npm/_logs/2024-01-01T00_00_00_000Z-debug-0.log",
        "npm ERR! code E404\nnpm ERR! 404 'lefft' is not there\nnpm ERR! A complete log is in: /r/x.log",
    ),
    (
        "FAILED tests/test_a.py::test_sum - assert 3 == 4\n=== 1 failed, 2 passed in 0.03s ===",
        "FAILED tests/test_a.py::test_sum - assert 3 == 4\n=== 1 failed, 9 passed in 1.21s ===",
    ),
    ("  ✕ adds (5 ms)\nTests:       1 failed, 1 total", "  ✕ adds\nTests:       1 failed, 4 passed, 5 total"),
    ("warning: x\nerror: process 4711 exited", "error: process 12 exited"),
    ("ERROR: requires foo>=1.2.3, you have foo 1.0", "ERROR: requires foo>=2.0.1, you have foo 1.9.4"),
    (
        "TypeError: x is not a function\n    at f (/a/b.js:1:2)\n    at g (node:internal/x:3:4)",
        "TypeError: x is not a function\n    at h (/c/d.js:9:9)",
    ),
    (
        "panic: runtime error: index out of range [5] with length 3",
        "panic: runtime error: index out of range [9] with length 1",
    ),
]
APART = [
    ("ModuleNotFoundError: No module named 'flask'", "ModuleNotFoundError: No module named 'django'"),
    ("Error: Cannot find module 'express'", "Error: Cannot find module 'lodash'"),
    ("Error: Cannot find module '@prisma/client'", "Error: Cannot find module '@nestjs/core'"),
    ("NameError: name 'a' is not defined", "NameError: name 'b' is not defined"),
    ("error TS2304: Cannot find name", "error TS2322: Cannot find name"),
    ("curl: (6) Could not resolve host: a.example.com", "curl: (6) Could not resolve host: b.example.com"),
    ("FAILED tests/test_a.py::test_sum - assert 3 == 4\n=== 1 failed in 0.03s ===",
     "FAILED tests/test_a.py::test_list - assert 3 == 4\n=== 1 failed in 0.03s ==="),
    ("FAILED t.py::test_sum - KeyError: 'a'\n=== 1 failed in 0.03s ===",
     "FAILED t.py::test_sum - assert 3 == 4\n=== 1 failed in 0.03s ==="),
    ("npm ERR! code E404", "npm ERR! code ERESOLVE"),
    ('ERROR:  relation "users" does not exist', 'ERROR:  relation "items" does not exist'),
    ("go: module github.com/a/b: not found", "go: module github.com/a/c: not found"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), TOGETHER)
def test_the_same_failure_at_another_time_and_place_has_one_signature(one: str, other: str) -> None:
    assert signature("p", "e", one) == signature("p", "e", other)


@pytest.mark.parametrize(("one", "other"), APART)
def test_different_failures_have_different_signatures(one: str, other: str) -> None:
    assert signature("p", "e", one) != signature("p", "e", other)


def test_a_signature_names_project_and_kind() -> None:
    project, kind, digest = signature("p", "code_error", "boom").split(":")
    assert (project, kind, len(digest)) == ("p", "code_error", 16)


def test_a_normal_message_holds_nothing_that_varies() -> None:
    text = "at 10:11:12 /a/b.py:3 took 0.3s, 0xdeadbeef, id 3f2b8c1e-1111-4222-8333-944455556666, port 8000"
    assert not any(character.isdigit() for character in normalise(text))


def test_the_trace_is_not_the_failure() -> None:
    frame = '  File "a.py", line 1, in f\n    raise_error("401 Unauthorized")'
    output = f"Traceback (most recent call last):\n{frame}\nValueError: no"
    assert gist(output) == "ValueError: no"


def test_without_an_error_line_the_last_lines_count() -> None:
    assert gist("a\nb\nc\nd\n[exit 3]") == "b\nc\nd"


@pytest.mark.parametrize(
    ("output", "count"),
    [
        ("===== 2 failed, 3 passed in 0.12s =====", 2),
        ("===== 1 failed, 1 error in 0.12s =====", 2),
        ("===== 4 passed, 1 warning in 0.12s =====", 0),
        ("1 failed, 2 passed in 0.05s", 1),
        ("Ran 3 tests in 0.002s\n\nFAILED (failures=1, errors=1)", 2),
        ("Ran 3 tests in 0.002s\n\nOK", 0),
        ("Test Suites: 1 failed, 1 total\nTests:       2 failed, 5 passed, 7 total", 2),
        ("Test Suites: 1 failed, 1 total\nTests:       0 total", 1),
        (" Test Files  1 failed (1)\n      Tests  3 failed | 4 passed (7)", 3),
        ("  4 passing (12ms)\n  2 failing\n", 2),
        ("  4 passing (12ms)\n", 0),
        ("--- FAIL: TestA (0.00s)\n    --- FAIL: TestA/b (0.00s)\nFAIL\nFAIL\texample.com/a\t0.003s", 1),
        ("FAIL\texample.com/a [build failed]", 1),
        ("ok  \texample.com/a\t0.003s", 0),
        ("test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out", 2),
        ("# tests 3\n# pass 1\n# fail 2\n", 2),
        ("ℹ tests 3\nℹ pass 3\nℹ fail 0\n", 0),  # noqa: RUF001
        ("5 examples, 2 failures", 2),
        ("0 examples, 0 failures, 1 error occurred outside of examples", 1),
        ("Failed to connect to localhost port 8000", None),
        ("3 failed logins in auth.log", None),
    ],
)
def test_failing_tests_are_counted(output: str, count: int | None) -> None:
    assert failing_tests(output) == count


@pytest.mark.parametrize(
    "result",
    [
        bash("grep -rn TODO src"),
        bash("cd app && grep -q x config.py"),
        bash("test -f data.db"),
        bash("[ -d node_modules ]"),
        bash("diff a.txt b.txt", "1c1\n< an error\n---\n> another"),
        bash("git diff --exit-code", "-fatal\n+not fatal"),
        bash("ls missing", "ls: cannot access 'missing': No such file or directory", 2),
        bash("cat config.yaml", "cat: config.yaml: No such file or directory"),
        bash("which node && node_modules/.bin/x --version | head -1 && which y", ""),
        bash("pkill -f uvicorn"),
        bash("timeout 5 python app.py", "Serving on :8000", 124),
    ],
    ids=lambda result: result.call.input["command"],
)
def test_a_normal_result_is_not_trouble(result: ToolResult) -> None:
    assert is_expected(result.call, result)


@pytest.mark.parametrize(
    "result",
    [
        bash("npm install && grep -q x f", "npm ERR! code E404"),
        bash("grep x f", "grep: unmatched [", 2, "timeout"),
        bash("cat a > b && python b", "NameError: name 'x' is not defined"),
        bash("pytest", "ERROR: usage: pytest [options]", 4),
        bash("python app.py", "ModuleNotFoundError: No module named 'x'"),
        bash("python manage.py test_email", "boom", 1),
        bash("timeout 5 python app.py", "boom", 1),
        bash("pytest -q", "FAILED t.py::test_a - assert 1 == 2\n1 failed in 0.02s"),
        bash("npm test", "Tests:       1 failed, 1 total"),
    ],
    ids=lambda result: result.call.input["command"],
)
def test_a_failure_is_trouble(result: ToolResult) -> None:
    assert not is_expected(result.call, result)


def test_a_slip_the_model_mends_itself_is_no_trouble() -> None:
    call = ToolCall("t", "read_file", {"path": "a.py"})
    result = ToolResult(call, "", [text_block("There is no file a.py.")], True, "file_not_found")
    assert is_expected(call, result)


def test_an_app_that_refuses_its_own_tests_is_not_the_founder_s_business() -> None:
    output = "FAILED t.py::test_a - HTTPError: 401 Unauthorized\n1 failed in 0.02s"
    assert failure_of(bash("pytest", output)).category == CODE
    refused = "curl: (22) The requested URL returned error: 403"
    assert failure_of(bash("curl -f http://localhost:8000/admin", refused)).category == CODE
    assert failure_of(bash("curl -f https://api.example.com/", refused)).category == PERMISSION


def test_commands_that_did_not_finish_have_distinct_signatures() -> None:
    texts = [
        bash(name, "[Not finished after 120 s: it was ended.]", 124, "timeout")
        for name in ("make a", "make b")
    ]
    assert len({failure_of(text).signature("p") for text in texts}) == 2


def test_where_nothing_was_printed_the_command_tells_failures_apart() -> None:
    one, other = failure_of(bash("make seed")), failure_of(bash("make site"))
    assert one.signature("p") != other.signature("p")
    assert one.signature("p") == failure_of(bash("make -s seed 2>&1 | tail -3")).signature("p")


@pytest.mark.parametrize(
    ("failed", "worked", "proven"),
    [
        ("npm install", "npm install", True),
        ("npm install", "cd web && npm install --legacy-peer-deps", True),
        ("npm install && npm run build", "npm install", False),
        ("npm install", "npm install; echo done", False),
        ("npm install", "npm install || true", False),
        ("make seed", "make seed | tail -3", False),
        ("make seed", "make", False),
        ("pytest tests/test_a.py", "pytest", True),
        ("pytest", "pytest tests/test_a.py", False),
        ("python -m pytest -q", "pytest -x", True),
        ("pip install flask", "pip install django", False),
    ],
)
def test_only_the_same_thing_working_proves_that_it_works(failed: str, worked: str, proven: bool) -> None:
    output = "3 passed in 0.01s" if "pytest" in worked else ""
    targets = failure_of(bash(failed, "boom")).targets
    assert is_proven(targets, proven_by(bash(worked, output, 0))) is proven


def test_a_viewer_hides_no_failing_tests() -> None:
    assert not proven_by(bash("pytest | tail -3", "1 failed in 0.02s", 0))
    assert proven_by(bash("pytest | tail -3", "2 passed in 0.02s", 0))


def test_what_neither_failed_nor_was_watched_is_of_no_concern() -> None:
    worked = bash("npm install", "", 0)
    assert not concerns([worked, bash("grep x f")], [frozenset({"pytest"})])
    assert concerns([worked], [frozenset({"npm install"})])
    assert concerns([bash("npm install", "npm ERR! code E404")])


def test_three_attempts_then_the_founder() -> None:
    assert [decide(CODE, number) for number in (1, 2, 3)] == [Retry(1), Retry(2), Escalate(3)]


@pytest.mark.parametrize("category", [AUTH, PERMISSION, MISSING, RATE])
def test_what_no_attempt_can_mend_is_asked_at_once(category: Any) -> None:
    assert decide(category, 1) == Escalate(1)


def test_a_failure_without_output_has_a_signature_too() -> None:
    assert gist("") == ""
    assert signature("p", "code_error", "") == signature("p", "code_error", "\n")
