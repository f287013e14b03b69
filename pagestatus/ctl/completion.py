"""``completion``: what a shell needs to complete commands, options and targets."""

from __future__ import annotations

import click

from pagestatus.ctl.group import COMPLETE, PROGRAM, Command, group
from pagestatus.ctl.output import write

EXAMPLES = """
eval "$(pagestatus-ctl completion bash)"    in ~/.bashrc
eval "$(pagestatus-ctl completion zsh)"     in ~/.zshrc
pagestatus-ctl completion fish | source     in ~/.config/fish/config.fish
"""


@click.command(cls=Command, epilog=EXAMPLES)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(*, shell: str) -> None:
    """Print the completion script of a shell."""
    # Loaded here: completing itself does not need it.
    from click.shell_completion import get_completion_class  # noqa: PLC0415

    made_by = get_completion_class(shell)
    if made_by is None:
        raise click.UsageError(f"no completion for {shell}")
    maker = made_by(group, {}, PROGRAM, COMPLETE)
    # The template itself: click's own way looks for a bash to ask for its version first.
    write((maker.source_template % maker.source_vars()).strip("\n").splitlines())
