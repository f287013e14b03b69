"""Group commit: what the ledger has taken goes to the disk as one piece, and only then becomes true.

While the disk takes nothing, what has been taken waits here and is tried again; the caller then reads no
more, so that it stays that little.
"""

from __future__ import annotations

import logging
from typing import NamedTuple

from aggregator.ledger import Batch, Ledger
from aggregator.lines import rendered
from aggregator.logfile import LogFile, Unwritable
from aggregator.minutes import Figures
from pagestatus.messages import Commit, DownloadsCounted, Recap

log = logging.getLogger(__name__)


class Written(NamedTuple):
    """What is true now."""

    commits: list[Commit]
    recaps: list[Recap]
    minutes: list[Figures]
    counted: list[DownloadsCounted]


class Writer:
    """Writes what ``ledger`` gives to its two files, in the order that a crash at any moment allows."""

    def __init__(self, ledger: Ledger, results: LogFile, minutes: LogFile) -> None:
        # Why the disk takes nothing, in words; empty: it does.
        self.trouble = ""
        self.lines = 0
        self._ledger = ledger
        self._results = results
        self._minutes = minutes
        self._waiting = Batch([], [])
        self._closed: list[Figures] = []

    @property
    def writable(self) -> bool:
        """The disk took what was last written."""
        return not self.trouble

    @property
    def idle(self) -> bool:
        """Nothing waits for the disk here."""
        return not (self._waiting.lines or self._waiting.commits or self._closed)

    def flush(self) -> Written:
        """Write everything taken so far; nothing is true as long as it does not reach the disk."""
        batch = self._ledger.collect()
        self._waiting.lines.extend(batch.lines)
        self._waiting.commits.extend(batch.commits)
        try:
            self._write_lines()
            minutes = self._write_minutes()
        except Unwritable as trouble:
            self._say(str(trouble))
            return Written([], [], [], [])
        self._say("")
        commits = self._waiting.commits
        self._waiting = Batch([], [])
        return Written(commits, list(self._ledger.recap()), minutes, list(self._ledger.counted()))

    def _write_lines(self) -> None:
        if lines := self._waiting.lines:
            self._results.append(b"".join(lines))
            self.lines += len(lines)
            lines.clear()

    def _write_minutes(self) -> list[Figures]:
        """A minute's line follows all the lines it is made of, and is never written twice."""
        self._closed += self._ledger.close_minutes()
        if self._closed:
            self._results.sync()
            self._minutes.append(b"".join(map(rendered, self._closed)))
        closed, self._closed = self._closed, []
        return closed

    def _say(self, trouble: str) -> None:
        if trouble and self.writable:
            log.error("%s: no result is taken until there is room", trouble)
        elif not trouble and not self.writable:
            log.warning("results reach the disk again")
        self.trouble = trouble

    def reopen(self) -> None:
        """Go on in new files where the old ones were renamed."""
        for file in (self._results, self._minutes):
            try:
                file.reopen()
            except OSError as trouble:
                log.error("%s: not reopened: %s", file.path, trouble.strerror)  # noqa: TRY400

    def close(self) -> None:
        """Close both files."""
        self._results.close()
        self._minutes.close()
