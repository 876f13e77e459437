"""The cost of snapshots: an iteration with and without them, 20,000 files, and 300 MB."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from statistics import median

import boto3

from bench.install import Install
from bench.outcome import Outcome

ROUNDS = 3
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_DEFAULT_REGION": "us-east-1",
}
STEPS = ("save", "verify", "restore")
BARS = {
    "snapshots.iteration_with_vs_without": 1.1,
    "snapshots.save_mb_300mb": 100,
    "snapshots.restore_mb_300mb": 100,
}
TEXT = f"""\
The real loop, store, tools and snapshots, with the rehearsal's sandbox and moto's S3 as processes of
their own on the same machine. `iteration_with_vs_without`: iterations in which a model thinks for half a
second and writes a file into a workspace of 300 files, with snapshots taken beside the loop and with none;
whole-run means, the median of {ROUNDS} interleaved rounds. The rest is one run each: seconds, and the most
by which the worker's memory grew meanwhile (MB), to save a workspace of 20,000 small files or of one file
with 300 MB of noise, to verify that nothing is missing, and to bring everything back into another sandbox."""


def measure(install: Install) -> Outcome:
    with _rehearsal(install) as (e2b_url, key_file), _s3() as s3_url:
        ratios = []
        for number in range(ROUNDS):
            times = {
                what: install.run_ours("files", what, e2b_url, key_file, s3_url)["milliseconds"]
                for what in ("with", "without")
            }
            ratios.append(times["with"] / times["without"])
            print(f"files: round {number + 1} of {ROUNDS}: {times}", flush=True)
        figures = {"snapshots.iteration_with_vs_without": median(ratios)}
        for what, name in (("many", "20000_files"), ("large", "300mb")):
            report = install.run_ours("files", what, e2b_url, key_file, s3_url)
            print(f"files: {name}: {report}", flush=True)
            figures |= {f"snapshots.{step}_seconds_{name}": report[f"{step}_seconds"] for step in STEPS}
            figures |= {f"snapshots.{step}_mb_{name}": report[f"{step}_mb"] for step in STEPS}
    return Outcome("Keeping the files safe", figures, BARS, TEXT)


@contextmanager
def _rehearsal(install: Install) -> Iterator[tuple[str, str]]:
    """The address of a server of local sandboxes, and the file with its key."""
    command = [sys.executable, "-m", "rehearsal", "--data-dir", str(install.data_dir / "rehearsal")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        yield told["e2b_api_url"], told["e2b_api_key_file"]
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def _s3() -> Iterator[str]:
    """The address of an S3 server with a bucket called bench."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    os.environ |= CREDENTIALS
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        url = f"http://127.0.0.1:{port}"
        boto3.client("s3", endpoint_url=url).create_bucket(Bucket="bench")
        yield url
    finally:
        process.terminate()
        process.wait(60)
