"""``python -m fetchers``: the pool of fetcher processes."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fetchers.pool import Pool
from pagestatus.main import actor_options, main
from pagestatus.runner import DRAIN_S

# The fetchers get their full time to drain; the pool only waits for them.
POOL_DRAIN_S = DRAIN_S + 3.0


@click.command()
@actor_options
@click.option("--fetchers", metavar="N", help="Number of processes. [default: number of cores]")
def run(**flags: object) -> None:
    """Keep N fetcher processes alive; `pagestatus-ctl scale N` changes N while they run."""
    passed_on = _passed_on(flags)
    sys.exit(main(lambda config: Pool(config, passed_on), flags, POOL_DRAIN_S))


def _passed_on(flags: dict[str, object]) -> list[str]:
    """The options that the fetchers get too; everything else they find where the pool found it."""
    options = [f"--{name.replace('_', '-')}={path}" for name, path in flags.items() if isinstance(path, Path)]
    return [*options, "--log-file"] if flags.get("log_file") else options


if __name__ == "__main__":
    run()
