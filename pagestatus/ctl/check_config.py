"""``check-config``: every mistake of configuration and list before they run, and what they need."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from pagestatus.config import MINUTES_LOG, Config, ConfigMistakes, load
from pagestatus.ctl.answers import Minute
from pagestatus.ctl.group import Command
from pagestatus.ctl.minutes import last_minutes
from pagestatus.ctl.needs import Latency, Load, figures, latency, sentences
from pagestatus.ctl.output import palette, width, write, write_json
from pagestatus.ctl.place import CONFIGURATION, Place
from pagestatus.ctl.table import Style
from pagestatus.ctl.text import clean, count, fit
from pagestatus.targets import BadList, TargetList

LABEL = 10

EXAMPLES = """
pagestatus-ctl check-config
pagestatus-ctl check-config new.json && mv new.json urls.json
pagestatus-ctl check-config --json | jq .needs.share
"""


class Findings:
    """Everything that is wrong, and what is worth knowing."""

    def __init__(self) -> None:
        self.mistakes: list[str] = []
        self.notes: list[str] = []
        self.load: Load | None = None


@click.command("check-config", cls=Command, epilog=EXAMPLES)
@click.argument("urls", required=False, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def check_config(place: Place, *, urls: Path | None, as_json: bool) -> None:
    """Every mistake of configuration and list, and what they need.

    URLS is a list to look at instead of the configured one. Exit code 78 if there was a mistake.
    """
    findings = Findings()
    config = _configuration(place, urls, findings)
    if config is not None:
        _list(config, findings)
    took = latency(_last_minute(place)) if config is not None else None
    if as_json:
        needs = figures(findings.load, took) if findings.load and took else {}
        write_json({"mistakes": findings.mistakes, "notes": findings.notes, "needs": needs})
    else:
        write(show(findings, took, width()))
    if findings.mistakes:
        raise click.exceptions.Exit(CONFIGURATION)


def _configuration(place: Place, urls: Path | None, findings: Findings) -> Config | None:
    try:
        config = load({**place.flags, "urls": urls})
    except ConfigMistakes as mistakes:
        findings.mistakes += mistakes.lines
        findings.notes.append("the list is looked at when the configuration, which names it, is right")
        return None
    # What else is asked of the place needs no second reading.
    place.config = config
    return config


def _list(config: Config, findings: Findings) -> None:
    try:
        targets = TargetList(config.urls)
    except BadList as mistake:
        findings.mistakes.append(str(mistake))
        return
    number, per_second, worst_slots = 0, 0.0, 0.0
    for target in targets:
        number += 1
        per_second += 1e6 / target.interval_us
        worst_slots += min(1.0, (target.timeout_us or config.check.timeout * 1e6) / target.interval_us)
    findings.mistakes += targets.mistakes
    findings.notes += targets.notes
    if not len(targets):
        findings.notes.append(f"{config.urls}: the list is empty: nothing will be checked")
    findings.load = Load(number, per_second, worst_slots, config.fetchers, config.slots)


def _last_minute(place: Place) -> Minute | None:
    """None when nothing usable is there: the assumption is stated then."""
    try:
        minutes = last_minutes(place.log(MINUTES_LOG), 1)
        return msgspec.convert(minutes[-1], Minute) if minutes else None
    except (OSError, msgspec.ValidationError):
        return None


def show(findings: Findings, took: Latency | None, width: int) -> list[str]:
    """The mistakes, one line each, whole; then what the good entries need."""
    painter = palette()
    lines = [painter.paint(clean(mistake), Style.BAD) for mistake in findings.mistakes]
    lines += [painter.paint(clean(note), Style.WARN) for note in findings.notes]
    if findings.mistakes:
        lines.append(painter.paint(f"mistakes: {count(len(findings.mistakes))}", Style.BOLD))
    else:
        lines.append(painter.paint("no mistakes", Style.GOOD))
    if findings.load is None or took is None:
        return lines
    lines.append("")
    for label, text in sentences(findings.load, took):
        lines.append(f"{painter.paint(label.ljust(LABEL), Style.DIM)}{fit(text, width - LABEL)}")
    return lines
