"""The list of the trial: thousands of healthy pages, and some hundred targets with every kind of trouble."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle

from scripts.trial_run.pages import ADDRESSES

Target = dict[str, object]

HEALTHY = "page-"
# Seconds; every page gets the next one.
INTERVALS = (2, 60, 10, 30, 20, 5, 60, 20, 30, 10, 3, 60, 20, 30, 15, 60, 45, 20, 30, 10)
OF_EACH_BAD_KIND = 60
TIMEOUT_S = 3


def targets(pages: Sequence[str], port: int, bad: Mapping[str, Sequence[str]]) -> list[Target]:
    """One target for each page, ``OF_EACH_BAD_KIND`` for each kind of trouble."""
    listed: list[Target] = [
        {"name": f"{HEALTHY}{page[1:]}", "url": f"http://{address}:{port}{page}", "interval": interval}
        for page, address, interval in zip(pages, cycle(ADDRESSES), cycle(INTERVALS), strict=False)
    ]
    trouble = {**bad, "nameless": [f"http://no-such-name-{n}.invalid/" for n in range(OF_EACH_BAD_KIND)]}
    for kind, urls in trouble.items():
        listed += [
            {"name": f"{kind}-{number}", "url": url, "interval": interval, "timeout": TIMEOUT_S}
            for number, url, interval in zip(
                range(OF_EACH_BAD_KIND), cycle(urls), cycle(INTERVALS), strict=False
            )
        ]
    return listed
