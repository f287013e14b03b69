"""The names of targets on the command line: completed from the list that is configured."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click

    from pagestatus.ctl.place import Place

# A shell shows no more, and nobody waits for a larger list to be read at every Tab.
MOST_WORDS = 50
LARGEST_LIST = 4 << 20


def complete(context: click.Context, _param: click.Parameter, start: str) -> list[str]:
    """Names and URLs that begin with ``start``; a Tab is no place for complaints."""
    # Loaded here: only a Tab needs them.
    from pagestatus.ctl.output import Refused  # noqa: PLC0415
    from pagestatus.ctl.place import Place  # noqa: PLC0415
    from pagestatus.targets import BadList  # noqa: PLC0415

    try:
        return list(islice(_words(context.find_root().ensure_object(Place), start), MOST_WORDS))
    except (Refused, BadList, OSError):
        return []


def _words(place: Place, start: str) -> Iterator[str]:
    from pagestatus.targets import TargetList  # noqa: PLC0415

    if place.config.urls.stat().st_size > LARGEST_LIST:
        return
    for target in TargetList(place.config.urls):
        yield from (word for word in (target.name, target.url) if word and word.startswith(start))
