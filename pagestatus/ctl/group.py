"""The command line itself: names, global options, help, exit codes.

A command's module is loaded when it is called: people type these, and wait.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING

import click

from pagestatus.ctl import INTERRUPTED
from pagestatus.ctl.output import Refused, note, prepare_streams

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = "pagestatus-ctl"
# The variable under which click asks for completions.
COMPLETE = "_PAGESTATUS_CTL_COMPLETE"
# What a shell makes of a process that SIGPIPE ended.
BROKEN_PIPE = 141

# Module and one line of help by command, in the order of the help. Here, so that `--help` loads none of them.
COMMANDS = {
    "status": ("status", "How it goes: processes, targets, rate, lag, what is missed."),
    "summary": ("summary", "The last minutes, one line each."),
    "inflight": ("inflight", "URLs being checked now, longest first."),
    "failures": ("failures", "The last failures with their phases."),
    "tail": ("tail", "The log of results, in columns."),
    "why": ("why", "One target: its state, last attempts, next due time."),
    "check-config": ("check_config", "Every mistake of configuration and list, and what they need."),
    "scale": ("steer", "Run N fetchers, from now on."),
    "reload": ("steer", "Read the list of targets again."),
    "pause": ("steer", "Stop checking a target until it is resumed."),
    "resume": ("steer", "Check a paused target again."),
    "download": ("download", "Fetch a file in parallel ranges, with a progress bar."),
    "downloads": ("downloads", "Downloads: state, progress, speed, errors."),
    "download-pause": ("downloads", "Stop a download until it is resumed."),
    "download-resume": ("downloads", "Go on with a paused download, or try one again."),
    "download-cancel": ("downloads", "End a download; what it has is thrown away."),
    "download-remove": ("downloads", "Take a download off the list; a complete file stays."),
    "download-set-url": ("downloads", "Go on with a download at a fresh link for the same file."),
    "completion": ("completion", "Print the completion script of a shell."),
}

EXAMPLES = """
pagestatus-ctl status               how it goes
pagestatus-ctl status --watch       the same, every second
pagestatus-ctl tail -f --failures   failures as they come
pagestatus-ctl why example.org      all about one target
pagestatus-ctl check-config         before a start or a reload
pagestatus-ctl download URL         fetch a file in parallel ranges
"""


def _keep_flag(context: click.Context, option: click.Parameter, value: object) -> None:
    # Loaded here: the help needs none of it.
    from pagestatus.ctl.place import Place  # noqa: PLC0415

    place = context.find_root().ensure_object(Place)
    if value is not None and option.name:
        place.flags[option.name] = value  # type: ignore[assignment]


def place_options(*, hidden: bool) -> list[click.Parameter]:
    """The global options, which every command takes as well, so that their place does not matter."""
    helps = {
        "--config": "Configuration to read instead of ./pagestatus.toml.",
        "--run-dir": "Folder of sockets and locks.",
        "--data-dir": "Folder of logs, journal and downloads.",
    }
    return [
        click.Option(
            [name],
            type=click.Path(),
            help=text,
            hidden=hidden,
            expose_value=False,
            callback=_keep_flag,
        )
        for name, text in helps.items()
    ]


class _Helpful(click.Command):
    """A command whose help starts with examples; they are its ``epilog``."""

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.epilog:
            with formatter.section("Examples"):
                for line in self.epilog.strip().splitlines():
                    formatter.write(f"{'':{formatter.current_indent}}{line}\n")
            formatter.write_paragraph()
        super().format_help(ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Nothing: it stands at the top."""


class Command(_Helpful):
    """One command of the group."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        return [*super().get_params(ctx), *place_options(hidden=True)]


class Group(_Helpful, click.Group):
    """All commands, by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"pagestatus.ctl.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_module, text) in COMMANDS.items()])


group = Group(
    PROGRAM,
    help="Look at a running pagestatus, and steer it.",
    epilog=EXAMPLES,
    params=place_options(hidden=False),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def run(arguments: Sequence[str]) -> int:
    """Run one command line; returns the exit code. Nothing an operator can do ends in a traceback."""
    prepare_streams()
    code = 0
    try:
        _invoke(arguments)
    except click.exceptions.Exit as exit_:
        code = exit_.exit_code
    except click.UsageError as mistake:
        code = _tell_usage(mistake)
    except Refused as mistake:
        note(f"{PROGRAM}: {mistake}")
        code = mistake.exit_code
    except (KeyboardInterrupt, click.Abort):
        code = INTERRUPTED
    except BrokenPipeError:
        # Python flushes standard output once more as it ends: let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = BROKEN_PIPE
    except OSError as mistake:
        where = f"{mistake.filename}: " if mistake.filename else ""
        note(f"{PROGRAM}: {where}{mistake.strerror or mistake}")
        code = 1
    return code


def _invoke(arguments: Sequence[str]) -> None:
    if COMPLETE in os.environ:
        group.main(list(arguments), PROGRAM, COMPLETE)
    with group.make_context(PROGRAM, list(arguments) or ["--help"]) as context:
        group.invoke(context)
    sys.stdout.flush()


def _tell_usage(mistake: click.UsageError) -> int:
    note(f"{PROGRAM}: {mistake.format_message()}")
    if mistake.ctx is not None:
        for line in mistake.ctx.get_usage().splitlines():
            note(line)
        note(f"Try '{mistake.ctx.command_path} --help'.")
    return mistake.exit_code
