"""The ids of downloads on the command line: completed from those that the bridge has."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

# A shell shows no more.
MOST_WORDS = 50


def complete(context: click.Context, _param: click.Parameter, start: str) -> list[CompletionItem]:
    """Ids that begin with ``start``, and what they are of; a Tab is no place for complaints."""
    # Loaded here: only a Tab needs them.
    from click.shell_completion import CompletionItem  # noqa: PLC0415

    from pagestatus.ctl.answers import Download  # noqa: PLC0415
    from pagestatus.ctl.output import Refused  # noqa: PLC0415
    from pagestatus.ctl.place import Place  # noqa: PLC0415
    from pagestatus.ctl.show_downloads import words  # noqa: PLC0415
    from pagestatus.ctl.text import clean  # noqa: PLC0415

    place = context.find_root().ensure_object(Place)
    try:
        known = place.ask("wsbridge", "downloads", list[Download])
    except Refused:
        return []
    found = [one for one in known if one.id.startswith(start)]
    return [CompletionItem(clean(one.id), help=words(one)) for one in found[:MOST_WORDS]]
