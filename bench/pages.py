"""How soon a long log is open in a browser, and whether the page stays smooth while events arrive."""

from bench.install import Install
from bench.outcome import Outcome

BARS = {"page.open_2000_events_seconds": 1.0}
TEXT = """\
The build page of a job with 2,000 events in Chromium (1280x800, empty cache): from the address to the first
frame that shows the log, the median of seven. Then 20 events a second for ten seconds on the open page: the
time between two frames, and how far things moved by themselves (cumulative layout shift)."""


def measure(install: Install) -> Outcome:
    report = install.run_ours("founder_page")
    figures = {
        "page.open_2000_events_seconds": report["open_seconds"],
        "page.open_2000_events_slowest_seconds": report["slowest_open_seconds"],
        "page.frame_ms_p99_at_20_events_per_second": report["frame_ms_p99"],
        "page.frame_ms_longest_at_20_events_per_second": report["longest_frame_ms"],
        "page.layout_shift_at_20_events_per_second": report["layout_shift"],
    }
    return Outcome("The build page in a browser", figures, BARS, TEXT)
