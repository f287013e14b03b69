"""An actor on strings: it does what the runner asks, notes it, and misbehaves where it is told to."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import click

from pagestatus.config import Config
from pagestatus.control import Command
from pagestatus.main import actor_options, main
from pagestatus.runner import Runner


class Puppet:
    """Its commands pull the strings; ``misbehave`` names the call in which it fails, and how."""

    name = "puppet"

    def __init__(self, _config: Config, misbehave: str) -> None:
        self._where, _, self._how = misbehave.partition(":")
        self._calls: list[str] = []
        self._drained = False

    def _called(self, where: str) -> None:
        self._calls.append(where)
        if where == self._where:
            if self._how:
                Path(self._how).read_bytes()
            raise LookupError(f"a bug in {where}")

    def start(self, runner: Runner) -> None:
        self._runner = runner
        self._called("start")

    def commands(self) -> Mapping[str, Command]:
        """What a test may have it do."""
        return {
            "status": lambda _params: {"calls": self._calls, "state": self._runner.draining or "dancing"},
            "drain": lambda _params: self._runner.drain(),
            "step_aside": lambda _params: self._runner.loop.soon(self._runner.step_aside),
            "finish": lambda _params: setattr(self, "_drained", True),
            "bug": lambda _params: self._called("bug"),
        }

    def second(self) -> None:
        self._called("second")

    def reload(self) -> None:
        self._called("reload")

    def reopen(self) -> None:
        self._called("reopen")

    def drain(self) -> None:
        self._called("drain")

    def drained(self) -> bool:
        """Until it is told that it is, it is not."""
        if self._where == "drained":
            self._called("drained")
        return self._drained

    def close(self) -> None:
        self._called("close")


@click.command()
@click.option("--misbehave", default="")
@click.option("--drain-timeout", type=float, default=600)
@actor_options
def cli(misbehave: str, drain_timeout: float, **flags: object) -> None:
    """Run it until it is told to stop."""
    sys.exit(main(partial(Puppet, misbehave=misbehave), flags, drain_timeout))


if __name__ == "__main__":
    cli()
