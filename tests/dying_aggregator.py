"""The aggregator, killed by itself at a chosen step of its way to the disk; run as a program.

As in the soak, but as often as the test wants, and with short minutes, so that many of them come to an end.
"""

from __future__ import annotations

import json
import runpy
import sys

import pagestatus.clock
from scripts.soak_run.dying import Death, Undertaker

MINUTE_US = 1_000_000


def main() -> None:
    """The program: its argument is a ``Death`` as JSON, or null."""
    pagestatus.clock.MINUTE_US = MINUTE_US
    if (death := json.loads(sys.argv[1])) is not None:
        Undertaker(Death(*death))
    sys.argv[1:] = ["--log-file"]
    runpy.run_module("aggregator", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
