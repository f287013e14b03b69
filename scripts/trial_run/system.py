"""The system on trial: scripts/supervisord.conf, with a run_dir and a data_dir of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CONF = Path(__file__).parents[1] / "supervisord.conf"


def configure(folder: Path, run_dir: str, fetchers: int) -> None:
    """Point this process, and so what it starts, to the trial's own folders."""
    for name in [name for name in os.environ if name.startswith("PAGESTATUS_")]:
        del os.environ[name]
    os.environ |= {
        "PAGESTATUS_URLS": str(folder / "urls.json"),
        "PAGESTATUS_DATA_DIR": str(folder / "data"),
        "PAGESTATUS_RUN_DIR": run_dir,
        "PAGESTATUS_FETCHERS": str(fetchers),
    }


@contextmanager
def supervised() -> Iterator[subprocess.Popen[bytes]]:
    """Supervisord and what it starts; drained at the end, however that comes."""
    program = Path(sys.executable).with_name("supervisord")
    # A session of its own: Ctrl-C ends the trial, which then drains the system.
    process = subprocess.Popen([program, "-n", "-s", "-c", CONF], start_new_session=True)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()
