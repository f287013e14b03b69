"""``scripts/soak``, short: faults of every kind strike the running system, and it keeps its promises.

By hand it goes on for as long as one likes, with every fault there is: ``scripts/soak --minutes 60``.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from system import SLOWNESS, eventually

ROOT = Path(__file__).parents[2]
SEED = os.environ.get("PAGESTATUS_TEST_SEED", "1")
STRIKES = 5
# Of several kinds, and none that lasts.
SHORT = (
    "kill -9 scheduler",
    "kill -9 one fetcher",
    "kill -9 aggregator",
    "kill -9 wsbridge",
    "aggregator dies",
    "second instance",
    "garbage",
    "site failing",
)


def test_the_promises_are_kept_under_faults(tmp_path: Path) -> None:
    told = tmp_path / "told"
    with soaking(tmp_path / "soak.json", told) as process:
        eventually(
            lambda: told.read_text(encoding="utf-8").count("well again") >= STRIKES,
            "it has struck some times",
            within_s=60,
        )
        # Ctrl-C; it drains, and judges what there is.
        process.send_signal(signal.SIGINT)
        shown, _ = process.communicate(timeout=150 * SLOWNESS)
    assert process.returncode == 0, shown + told.read_text(encoding="utf-8")
    report = json.loads((tmp_path / "soak.json").read_text(encoding="utf-8"))
    assert not any(report["findings"].values())
    assert report["due"] == report["checked"] + sum(report["missed"].values())
    assert report["checked"] == report["ok"] + report["fail"] + report["internal"]
    assert report["requests"] >= report["attempts"] >= report["ok"] > 0
    assert report["downloads"]["Downloaded"] > 0
    assert sum(fault["times"] for fault in report["faults"].values()) >= STRIKES


@contextmanager
def soaking(report: Path, told: Path) -> Iterator[subprocess.Popen[str]]:
    """A soak at a low rate."""
    only = [word for name in SHORT for word in ("--only", name)]
    arguments = ["--rate", "40", "--seed", SEED, "--every", "1", *only, "--json", str(report)]
    with told.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "scripts.soak_run", *arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    try:
        yield process
    finally:
        # It drains the system, and leaves nothing behind.
        process.terminate()
        process.communicate(timeout=150 * SLOWNESS)
