"""Where in ``run_dir`` everything is: sockets, locks. Paths of unix sockets are limited to 107 bytes."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

# sun_path is 108 bytes with its final zero (unix(7)).
LONGEST_SOCKET_PATH = 107
# The longest name that is made below: "fetcher-256-" and an epoch in base 36, and ".in".
LONGEST_NAME = "fetcher-256-zzzzzzzzzzz.in"
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class BadRunDir(ValueError):
    """``run_dir`` cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """The paths below one ``run_dir``."""

    run_dir: Path

    @property
    def scheduler(self) -> Path:
        """Where the scheduler pulls: states, commits, losses."""
        return self.run_dir / "scheduler.in"

    @property
    def aggregator(self) -> Path:
        """Where the aggregator pulls: results, missed slots, sweeps."""
        return self.run_dir / "aggregator.in"

    @property
    def wsbridge(self) -> Path:
        """Where the bridge pulls: states, progress of ranges, losses."""
        return self.run_dir / "wsbridge.in"

    def fetcher(self, index: int, epoch: int) -> Path:
        """Where one incarnation of a fetcher pulls its checks and ranges."""
        return self.run_dir / f"fetcher-{index}-{_base36(epoch)}.in"

    def control(self, name: str) -> Path:
        """The control socket of the process ``name``."""
        return self.run_dir / f"{name}.ctl"

    def lock(self, name: str) -> Path:
        """The lock file of the process ``name``."""
        return self.run_dir / f"{name}.lock"

    @property
    def bytes_too_long(self) -> int:
        """By how much a socket's name would be longer than the kernel takes; 0: it fits."""
        return max(0, len(os.fsencode(self.run_dir / LONGEST_NAME)) - LONGEST_SOCKET_PATH)

    def prepare(self) -> None:
        """Make ``run_dir`` (mode 0700) and see that it is ours and fit for sockets; raises BadRunDir."""
        if over := self.bytes_too_long:
            raise BadRunDir(f"{self.run_dir} is {over} bytes too long for the sockets in it")
        try:
            self.run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = self.run_dir.stat()
            of_link = self.run_dir.lstat().st_uid
        except FileExistsError as mistake:
            raise BadRunDir(f"{self.run_dir}: not a folder") from mistake
        except OSError as mistake:
            raise BadRunDir(f"{self.run_dir}: {mistake.strerror}") from mistake
        # Whoever can write here can give our fetchers work, and who made a link can turn it elsewhere after
        # we have looked: others' folders are not used.
        us = os.geteuid()
        if found.st_uid != us:
            raise BadRunDir(f"{self.run_dir} belongs to user {found.st_uid}, expected {us}")
        if of_link not in {us, 0}:
            raise BadRunDir(f"{self.run_dir} is a link of user {of_link}, expected one of {us}")
        if stat.S_IMODE(found.st_mode) & 0o077:
            # Ours never was. An empty one somebody has made for us; another is for something else.
            if any(self.run_dir.iterdir()):
                mode = f"{stat.S_IMODE(found.st_mode):o}"
                raise BadRunDir(
                    f"{self.run_dir} is not empty and has mode {mode}, expected a folder for it alone"
                )
            self.run_dir.chmod(0o700)


def default_run_dir() -> Path:
    """``$XDG_RUNTIME_DIR/pagestatus``, else ``pagestatus-UID`` in the system's temporary folder."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and Path(runtime).is_dir():
        return Path(runtime) / "pagestatus"
    # Here: it loads a good deal that an operator's command does without.
    import tempfile  # noqa: PLC0415

    return Path(tempfile.gettempdir()) / f"pagestatus-{os.geteuid()}"


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"
