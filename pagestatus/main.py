"""What every ``__main__`` does: options, configuration, the log, and an exit code for how it went."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from pagestatus import logs
from pagestatus.addresses import Addresses, BadRunDir
from pagestatus.config import Config, ConfigMistakes, load
from pagestatus.locks import Taken
from pagestatus.loop import Loop
from pagestatus.runner import DRAIN_S, Actor, CannotStart, CannotStartYet, Exit, Runner

Function = TypeVar("Function", bound=Callable[..., Any])

log = logging.getLogger(__name__)


def actor_options(function: Function) -> Function:
    """The options that every process has."""
    file = click.Path(path_type=Path)
    for option in (
        click.option("--log-file", is_flag=True, help="Log to <data_dir>/<name>.log, not to standard error."),
        click.option("--run-dir", type=file, help="Folder of sockets and locks."),
        click.option("--data-dir", type=file, help="Folder of logs, journal and downloads."),
        click.option("--config", type=file, help="Configuration to read instead of ./pagestatus.toml."),
    ):
        function = option(function)
    return function


def main(
    make_actor: Callable[[Config], Actor],
    flags: Mapping[str, object],
    drain_timeout_s: float = DRAIN_S,
    drive: Callable[[Loop], None] = Loop.run,
) -> int:
    """Run one actor to its end; returns the exit code (see ``runner.Exit``)."""
    try:
        config = load(flags)
    except ConfigMistakes as mistakes:
        for line in mistakes.lines:
            click.echo(line, err=True)
        return Exit.CONFIGURATION
    _keep_others_from_writing()
    try:
        Addresses(config.run_dir).prepare()
        config.data_dir.mkdir(parents=True, exist_ok=True)
        actor = make_actor(config)
        logs.configure(actor.name, config.data_dir / f"{actor.name}.log" if flags.get("log_file") else None)
    except BadRunDir as mistake:
        click.echo(f"run_dir: {mistake}", err=True)
        return Exit.CONFIGURATION
    except OSError as mistake:
        problem = f"{mistake.filename}: {mistake.strerror}, expected a folder that can be written to"
        click.echo(f"data_dir: {problem}", err=True)
        return Exit.CONFIGURATION
    return _run(Runner(actor, config, drain_timeout_s, drive))


def _keep_others_from_writing() -> None:
    """Who may read what we write is for the umask to say; write it may we alone."""
    os.umask(os.umask(0o022) | 0o022)


def _run(runner: Runner) -> Exit:
    try:
        exit_ = runner.run()
    except (CannotStartYet, Taken) as mistake:
        log.error("%s", mistake)  # noqa: TRY400 - one clear line, not a traceback
        return Exit.GAVE_UP
    except CannotStart as mistake:
        log.error("%s", mistake)  # noqa: TRY400 - one clear line, not a traceback
        return Exit.CONFIGURATION
    except MemoryError:
        # It is started again, with less to remember.
        log.error("out of memory: ending; raise its limit (MemoryMax, ulimit -v), or lower slots")  # noqa: TRY400
        return Exit.GAVE_UP
    except Exception as mistake:
        if isinstance(mistake, OSError) and mistake.errno in {errno.EMFILE, errno.ENFILE}:
            log.error("no descriptors are left: ending; raise its limit (LimitNOFILE, ulimit -n)")  # noqa: TRY400
            return Exit.GAVE_UP
        # A bug ends its process loudly, and it is started again clean.
        log.exception("this is a bug: ending")
        return Exit.BUG
    log.info("ended (%s)", exit_.name.lower().replace("_", " "))
    return exit_
