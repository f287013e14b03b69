"""The wall clock of started processes, shifted while they run; the monotonic one goes on (libfaketime)."""

from __future__ import annotations

from pathlib import Path

import pytest

from system import System

_LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)

# Where the library leaves what a killed process shared with nobody.
_SHARED = Path("/dev/shm")  # noqa: S108 - its own choice

needs_faketime = [
    pytest.mark.debian("faketime"),
    pytest.mark.skipif(_LIBRARY is None, reason="faketime is not installed"),
]


class ClockShift:
    """How far the clock of a system's processes is ahead of the true one."""

    def __init__(self, system: System, folder: Path) -> None:
        """Before ``system`` is started."""
        self._file = folder / "shift"
        self._before = self._left()
        self.seconds = 0
        self.step_to(0)
        system.environment |= {
            "LD_PRELOAD": str(_LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            # Looked at whenever the time is asked for.
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def step_to(self, seconds: int) -> None:
        """From now on it is so many seconds ahead."""
        self.seconds = seconds
        partial = self._file.with_suffix(".part")
        partial.write_text(f"{seconds:+d}\n", encoding="ascii")
        partial.replace(self._file)

    def close(self) -> None:
        """After the system has ended: take away what its processes have left."""
        for path in self._left() - self._before:
            if not Path("/proc", path.name.rpartition("_")[2]).exists():
                path.unlink(missing_ok=True)

    def _left(self) -> set[Path]:
        return set(_SHARED.glob("*faketime_*_*"))
