"""How scripts show their help: what stands at the top as it was written, and with each option its default."""

from __future__ import annotations

import argparse
from pathlib import Path


class Formatter(argparse.RawDescriptionHelpFormatter):
    """Tells the default of each option that takes something and has one."""

    def _get_help_string(self, action: argparse.Action) -> str:
        words = action.help or ""
        has_default = action.nargs != 0 and isinstance(action.default, int | float | str | Path)
        if not has_default or action.default == argparse.SUPPRESS:
            return words
        return f"{words} (default: %(default)s)"
