"""The build page in a real Chromium: how soon 2,000 events are shown, and how smooth it stays with more."""

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median, quantiles
from typing import Any
from uuid import UUID

from django.db import connections
from django.test import Client
from playwright.sync_api import Browser, Page, sync_playwright

from agents.preview.browser import find_chromium
from bench.systems.ours import new_build
from bench.systems.watchers import WebProcess
from jobs import events
from jobs.models import EventType, Job

EVENTS = 2_000
OPENS = 7
RATE = 20  # events a second
SECONDS = 10
PHASES = ("The shelf", "Borrowing", "Reminders")
OUTPUT = "\n".join(f"tests/test_shelf_{number}.py passed" for number in range(40))
DIFF = "@@ -1,3 +1,4 @@\n first\n-second\n+other\n+third\n last"
FIRST_RENDER = """() => new Promise(done => {
  const is_shown = () => document.querySelector("#entries li.entry");
  const look = () => is_shown() ? requestAnimationFrame(done) : setTimeout(look, 5);
  look();
}).then(() => true)"""
WATCH = """() => {
  window.gaps = []; window.shift = 0;
  let last = performance.now();
  const frame = now => { window.gaps.push(now - last); last = now; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
  new PerformanceObserver(list => { for (const entry of list.getEntries()) window.shift += entry.value; })
    .observe({type: "layout-shift"});
}"""


def fact(number: int) -> list[tuple[EventType, dict[str, Any]]]:
    """A step as it appears in the log: started and finished, with output and sometimes a diff."""
    phase = PHASES[number * len(PHASES) // EVENTS] if number < EVENTS else PHASES[-1]
    call = {
        "call_id": f"call-{number}",
        "tool": "bash",
        "label": f"Ran the tests of shelf {number}",
        "phase": phase,
    }
    done = {
        **call,
        "ok": number % 9 > 0,
        "exit_code": 0,
        "duration_ms": 1200,
        "excerpt": OUTPUT,
        "iteration": number,
    }
    if number % 3 == 0:
        done["diff"] = DIFF
    return [(EventType.TOOL_CALLED, call), (EventType.TOOL_FINISHED, done)]


def fill(job: Job) -> None:
    facts = []
    for position, name in enumerate(PHASES):
        facts.append((EventType.PHASE_STARTED, {"phase": name, "position": position + 1}))
        facts += [each for number in range(position * 332, position * 332 + 332) for each in fact(number)]
    facts = facts[: EVENTS - job.last_seq]
    for begin in range(0, len(facts), 500):
        events.record_all(job.pk, facts[begin : begin + 500])
    job.refresh_from_db()
    said = (EventType.AGENT_NARRATION, {"text": "So far, so good.", "phase": PHASES[-1]})
    events.record_all(job.pk, [said] * (EVENTS - job.last_seq))


def open_once(browser: Browser, address: str, cookie: str) -> tuple[Page, float]:
    """A page in a new browser, and the seconds until its log could be read."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": address}])
    page = context.new_page()
    begun = time.perf_counter()
    page.goto(address, wait_until="domcontentloaded")
    page.evaluate(FIRST_RENDER)
    return page, time.perf_counter() - begun


def say(job_id: UUID) -> float:
    """Record events at the given rate; returns the seconds it really took."""
    begun = time.perf_counter()
    for number in range(RATE * SECONDS):
        time.sleep(max(0.0, begun + number / RATE - time.perf_counter()))
        text = f"News number {number}."
        events.record(job_id, EventType.AGENT_NARRATION, text=text, phase=PHASES[-1])
    connections.close_all()
    return time.perf_counter() - begun


def measure(job_id: UUID, port: int, cookie: str) -> dict[str, float]:
    address = f"http://127.0.0.1:{port}/builds/{job_id}"
    executable = find_chromium()
    flags = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
    with sync_playwright() as playwright, ThreadPoolExecutor(1) as pool:
        browser = playwright.chromium.launch(executable_path=executable, args=flags)
        open_once(browser, address, cookie)[0].context.close()  # loads what later requests need
        opens = []
        for _ in range(OPENS):
            page, seconds = open_once(browser, address, cookie)
            opens.append(seconds)
            page.context.close()
        page, _ = open_once(browser, address, cookie)
        page.evaluate(WATCH)
        saying = pool.submit(say, job_id)
        page.get_by_text(f"News number {RATE * SECONDS - 1}.").wait_for(timeout=(SECONDS + 20) * 1000)
        gaps, shift = page.evaluate("[window.gaps, window.shift]")
        browser.close()
    return {
        "open_seconds": median(opens),
        "slowest_open_seconds": max(opens),
        "frame_ms_p99": quantiles(gaps, n=100)[98],
        "longest_frame_ms": max(gaps),
        "layout_shift": shift,
        "said_in_seconds": saying.result(),
    }


def main() -> None:
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright's loop runs in this thread
    job = new_build(f"founder-{os.getpid()}")
    fill(job)
    assert job.events.count() == EVENTS
    client = Client()
    client.force_login(job.project.owner)
    with WebProcess() as web:
        print(json.dumps(measure(job.pk, web.port, client.cookies["sessionid"].value)))
