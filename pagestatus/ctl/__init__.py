"""``pagestatus-ctl``: everything an operator does while the system runs.

``group`` names the commands and loads only the one that is called. A command asks (``place``, ``answers``),
composes and renders (pure functions: dictionaries in, lines out), and writes (``output``).
"""

from __future__ import annotations

import sys

INTERRUPTED = 130


def main() -> None:
    """Run the command line in ``sys.argv`` and exit with its code."""
    try:
        # Here, so that a Ctrl-C while modules load is no traceback either.
        from pagestatus.ctl.group import run  # noqa: PLC0415

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)
