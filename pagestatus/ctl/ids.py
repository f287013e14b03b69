"""The ids of downloads on the command line: completed from those that the bridge has."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

# A shell shows no more.
MOST_WORDS = 50


Completer = Callable[["click.Context", "click.Parameter", str], "list[CompletionItem]"]


def completing(states: frozenset[str]) -> Completer:
    """Completes the ids of downloads that are in one of ``states``."""
    return lambda context, _param, start: _items(context, start, states)


def _items(context: click.Context, start: str, states: frozenset[str]) -> list[CompletionItem]:
    """Ids that begin with ``start``, and what they are of; a Tab is no place for complaints."""
    # Loaded here: only a Tab needs them.
    from click.shell_completion import CompletionItem  # noqa: PLC0415

    from pagestatus.ctl.answers import Download  # noqa: PLC0415
    from pagestatus.ctl.output import Refused  # noqa: PLC0415
    from pagestatus.ctl.place import Place  # noqa: PLC0415
    from pagestatus.ctl.show_downloads import words  # noqa: PLC0415
    from pagestatus.ctl.stages import in_order  # noqa: PLC0415
    from pagestatus.ctl.text import clean  # noqa: PLC0415

    place = context.find_root().ensure_object(Place)
    try:
        known = place.ask("wsbridge", "downloads", list[Download])
    except Refused:
        return []
    found = [one for one in in_order(known) if one.process_status in states and one.id.startswith(start)]
    return [CompletionItem(clean(one.id), help=words(one)) for one in found[:MOST_WORDS]]
