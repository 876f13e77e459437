from pathlib import Path

import pytest
from pytest_django import Settings

from agents.preview import browser, launch, promise_checks
from agents.preview.declaration import Check
from agents.preview.promise_checks import CheckResult, run_checks, sorted_by_promise
from agents.sandbox.workspace import Workspace
from jobs.promises import Promised
from jobs.verdicts import Verdict
from tests.agents.conftest import OpenWorkspace
from tests.agents.preview.test_launch import APP, declare

pytestmark = pytest.mark.services

FETCH = "python3 -c \"import os, urllib.request as u; print(u.urlopen(os.environ['PREVIEW_URL']).read())\""


def by_promise(results: list[CheckResult]) -> dict[str, CheckResult]:
    return {result.promise: result for result in results}


def promised(*texts: str) -> list[Promised]:
    return [Promised(text, key=f"P{number}") for number, text in enumerate(texts, start=1)]


async def test_every_promise_is_checked_against_the_running_app(workspace: Workspace) -> None:
    declared = await declare(
        workspace,
        checks=[
            {"promise": "P2", "run": "echo no form; exit 1"},
            {"promise": "a list of uniforms by size", "run": f"{FETCH} | grep Hello"},
            {"promise": "something besides", "run": "true"},
        ],
    )
    await launch.start_app(workspace, declared)
    results = await run_checks(
        workspace, promised("a list of uniforms by size", "a form to offer one", "unproven")
    )
    assert [(result.promise, result.ok) for result in results] == [
        (promise_checks.PAGE, True),
        ("a list of uniforms by size", True),
        ("a form to offer one", False),
        ("unproven", False),
        ("something besides", True),
    ]
    assert by_promise(results)["a form to offer one"].output == "no form"
    assert [result.key for result in results] == ["", "P1", "P2", "P3", ""]
    assert "has no check" in by_promise(results)["unproven"].output


@pytest.mark.parametrize(("in_rehearsal", "verdict"), [(False, Verdict.NOT_KEPT), (True, Verdict.NOT_JUDGED)])
async def test_only_in_a_rehearsal_may_a_promise_be_without_a_check(
    workspace: Workspace, in_rehearsal: bool, verdict: Verdict
) -> None:
    declared = await declare(workspace, checks=[{"promise": "a form", "run": "exit 1"}])
    results = await run_checks(workspace, promised("a form", "unproven"), declared, in_rehearsal=in_rehearsal)
    found = by_promise(results)
    assert found["unproven"].verdict == verdict
    assert not found["unproven"].ok
    assert found["a form"].verdict == Verdict.NOT_KEPT


async def test_an_agent_cannot_declare_a_promise_unjudged(workspace: Workspace) -> None:
    dodging = {"promise": "a form", "run": "exit 1", "judged": False, "verdict": "not_judged"}
    declared = await declare(workspace, checks=[dodging])
    assert (
        by_promise(await run_checks(workspace, promised("a form"), declared))["a form"].verdict
        == Verdict.NOT_KEPT
    )


async def test_a_blank_page_and_an_app_that_is_down_fail(workspace: Workspace) -> None:
    declared = await declare(workspace)
    assert not (await run_checks(workspace, []))[0].ok
    await launch.start_app(workspace, declared)
    await workspace.write("page.html", b"<html></html>")
    page = (await run_checks(workspace, []))[0]
    assert (page.ok, page.output) == (False, "The page is empty.")


async def test_a_page_that_leads_elsewhere_does_not_keep_its_promise(workspace: Workspace) -> None:
    app = APP.replace(
        "self.end_headers", "self.send_header('Location', 'http://10.0.0.1/'); self.end_headers"
    )
    declared = await declare(workspace, app=app.replace("or 200", "or 302"))
    await launch.start_app(workspace, declared)
    page = (await run_checks(workspace, []))[0]
    assert not page.ok
    assert page.output == (
        "It redirects to http://10.0.0.1, which is not a part of the app: nothing follows it there."
    )


SCRIPTS = {
    "nothing": ("<body><script>nothing.here()</script></body>", False),
    "something": ("<body><script>document.body.append('Uniforms')</script></body>", True),
}


@pytest.mark.browser
@pytest.mark.parametrize(("page", "ok"), SCRIPTS.values(), ids=SCRIPTS.keys())
async def test_a_page_drawn_by_its_script_is_looked_at(workspace: Workspace, page: str, ok: bool) -> None:
    if not browser.find_chromium():
        pytest.skip("CANNOT RUN: there is no Chromium on this machine")
    await launch.start_app(workspace, await declare(workspace))
    await workspace.write("page.html", page.encode())
    result = (await run_checks(workspace, []))[0]
    await browser.close()
    assert result.ok is ok
    assert ("nothing is not defined" in result.output) is not ok


async def test_without_a_browser_a_page_drawn_by_its_script_is_trusted(
    workspace: Workspace, settings: Settings, tmp_path: Path
) -> None:
    settings.CHROMIUM = str(tmp_path / "missing")
    await launch.start_app(workspace, await declare(workspace))
    await workspace.write("page.html", SCRIPTS["nothing"][0].encode())
    assert (await run_checks(workspace, []))[0].ok


async def test_without_a_declaration_the_checks_fail_with_a_sentence(workspace: Workspace) -> None:
    results = await run_checks(workspace, promised("a list"))
    assert [result.ok for result in results] == [False]
    assert "cofounder.json" in results[0].output


async def test_a_check_does_not_show_the_founders_secrets(open_workspace: OpenWorkspace) -> None:
    workspace = await open_workspace(envs={"TOKEN": "tok-123456"})
    await declare(workspace, checks=[{"promise": "p", "run": 'echo "$TOKEN"; exit 1'}])
    assert by_promise(await run_checks(workspace, promised("p")))["p"].output == "[secret]"


def test_checks_name_promises_by_key_or_text_and_come_in_the_briefs_order() -> None:
    declared = [
        Check(promise="keeps  notes", run="1"),
        Check(promise=" a ", run="2"),
        Check(promise="p2", run="3"),
        Check(promise="more", run="4"),
    ]
    pairs = sorted_by_promise(promised("a", "Keeps notes", "c"), declared)
    assert [(promise.text, [check.run for check in found]) for promise, found in pairs] == [
        ("a", ["2"]),
        ("Keeps notes", ["1", "3"]),
        ("c", []),
        ("more", ["4"]),
    ]
