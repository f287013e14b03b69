"""``scripts/bench``: every part runs, on files so small that its figures mean nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.bench_run.cases import CASES
from scripts.bench_run.programs import PEERS
from system import SLOWNESS

ROOT = Path(__file__).parents[2]
PATH = f"{os.environ['PATH']}:/usr/sbin"


@pytest.mark.debian("nginx-light")
@pytest.mark.debian("aria2")
@pytest.mark.skipif(shutil.which("nginx", path=PATH) is None, reason="nginx is not installed")
@pytest.mark.skipif(shutil.which("aria2c") is None, reason="aria2 is not installed")
def test_downloads_are_measured_beside_others(tmp_path: Path) -> None:
    folder = tmp_path / "bench"
    small = ("--mib", "2", "--rounds", "1", "--targets", "10", "--json", "--folder", str(folder))
    found = subprocess.run(
        [sys.executable, "-m", "scripts.bench_run", "downloads", *small],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120 * SLOWNESS,
    )
    # 1: a claim does not hold, which is no wonder here.
    assert found.returncode in {0, 1}, found.stderr
    measured = json.loads(found.stdout)["downloads"]
    assert measured.keys() == CASES.keys()
    there = {" ".join(peer.words) for peer in PEERS if shutil.which(peer.words[0])}
    for case in measured.values():
        assert case["clients"].keys() == {"pagestatus", *there}
        # The others may fail, or take too long.
        assert case["clients"]["pagestatus"]["seconds"]["median"] > 0
    aria2 = [measured["unthrottled"]["clients"][name] for name in there if name.startswith("aria2c")]
    assert aria2
    assert not any("failed" in client for client in aria2)
    assert not folder.exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    found = subprocess.run(
        [sys.executable, "-m", "scripts.bench_run", "downloads", "--folder", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60 * SLOWNESS,
    )
    assert (found.returncode, found.stderr) == (64, f"bench: {tmp_path} is not empty\n")
    assert (tmp_path / "mine").exists()
