"""Supervisord's umask: the operator's own, and nobody else may write.

When it goes to the background, supervisord takes a umask of its own, 022, and with it all that it starts: who
has said 077 would have logs that all can read. Before that it calls its plugins (``supervisord.conf``).
"""

from __future__ import annotations

import os
from typing import Any


class Nothing:
    """What the plugin adds to supervisord's XML-RPC."""


def keep(supervisord: Any) -> Nothing:  # noqa: ANN401 - that of a library without types
    """Let supervisord keep the umask that it was started with, and 022 (or that of its option --umask)."""
    options = supervisord.options
    options.umask |= os.umask(0o022)
    os.umask(options.umask)
    return Nothing()
