"""A site that is gone for a while; one that misbehaves is ``Site.behaving``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from scripts.soak_run.site import Site


@contextmanager
def gone(site: Site) -> Iterator[None]:
    """SIGKILL, and started again at the end."""
    site.kill()
    try:
        yield
    finally:
        site.start()
