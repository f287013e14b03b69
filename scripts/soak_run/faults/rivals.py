"""A second instance where one may be: it says who was first, and leaves; the first one is not touched."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts.bench_run.system import ACTORS
from scripts.soak_run.fault import NotHealed
from scripts.soak_run.system import Supervised

LEAVES_S = 30.0
HELD = "it is running already"


@contextmanager
def second_instance(system: Supervised, own: str) -> Iterator[None]:
    """All of it once more, with its own ``run_dir`` or ``data_dir``; it is gone when this begins."""
    before = {name: system.pid(name) for name in ACTORS}
    with TemporaryDirectory(prefix="pagestatus-soak-") as folder:
        settings = {**os.environ, f"PAGESTATUS_{own.upper()}": folder}
        rivals = {name: _started(name, settings, folder) for name in ACTORS}
        try:
            stayed = [finding for name, rival in rivals.items() for finding in _wrong(name, rival)]
        finally:
            for rival in rivals.values():
                rival.kill()
                rival.wait()
    touched = [f"{name} was replaced" for name, pid in before.items() if system.pid(name) != pid]
    if stayed or touched:
        raise NotHealed(f"two on one folder: {', '.join([*stayed, *touched])}")
    yield


def _started(name: str, settings: dict[str, str], folder: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", name],
        cwd=Path(folder),
        env=settings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def _wrong(name: str, rival: subprocess.Popen[str]) -> Iterator[str]:
    try:
        _out, said = rival.communicate(timeout=LEAVES_S)
    except subprocess.TimeoutExpired:
        yield f"the second {name} stays"
        return
    if rival.returncode != 1 or HELD not in said:
        yield f"the second {name} ended with {rival.returncode}: {said.strip()}"
