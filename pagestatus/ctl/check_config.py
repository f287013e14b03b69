"""``check-config``: every mistake of configuration and list before they run, and what they need."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import click

from pagestatus.capacity import Demand
from pagestatus.config import MINUTES_LOG, Config, ConfigMistakes, load
from pagestatus.ctl import needs
from pagestatus.ctl.answers import Minute
from pagestatus.ctl.folders import open_to_all, unusable
from pagestatus.ctl.group import Command
from pagestatus.ctl.machine import machine
from pagestatus.ctl.minutes import last_minutes, told
from pagestatus.ctl.needs import Needs
from pagestatus.ctl.output import Refused, palette, width, write, write_json
from pagestatus.ctl.picture import Picture, look
from pagestatus.ctl.place import CONFIGURATION, Place
from pagestatus.ctl.seen import cpu, seen
from pagestatus.ctl.table import Style
from pagestatus.ctl.text import clean, count
from pagestatus.targets import BadList, Target, TargetList
from pagestatus.urls import host_of

# How many of the last minutes tell how long a check takes.
MINUTES = 10
# Of a target without a name the log has the id instead.
ID_LETTERS = 16

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
        self.demand: Demand | None = None


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
        findings.mistakes += unusable(config)
        findings.notes += open_to_all(config)
        _list(config, findings)
    found = _needs(place, config, findings.demand) if config and findings.demand else None
    if as_json:
        figures = needs.figures(found) if found else {}
        write_json({"mistakes": findings.mistakes, "notes": findings.notes, "needs": figures})
    else:
        write(show(findings, found, width()))
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
    findings.demand = _demand(targets, config)
    findings.mistakes += targets.mistakes
    findings.notes += targets.notes
    if not len(targets):
        findings.notes.append(f"{config.urls}: the list is empty: nothing will be checked")


def _demand(targets: Iterable[Target], config: Config) -> Demand:
    number, per_second, worst_slots, named_bytes = 0, 0.0, 0.0, 0.0
    # By number: there may be a million.
    of_hosts: defaultdict[int, float] = defaultdict(float)
    for target in targets:
        number += 1
        rate = 1e6 / target.interval_us
        per_second += rate
        worst_slots += min(1.0, (target.timeout_us or config.check.timeout * 1e6) / target.interval_us)
        of_hosts[hash(host_of(target.url))] += rate
        named_bytes += rate * (len(target.url) + (len(target.name) or ID_LETTERS))
    named_bytes /= per_second or 1
    busiest = max(of_hosts.values(), default=0.0)
    return Demand(number, per_second, worst_slots, named_bytes, config.check.retries, busiest)


def _needs(place: Place, config: Config, demand: Demand) -> Needs:
    """Measured where anything was measured; where nothing was, the assumption is stated."""
    try:
        picture, minutes = look(place), _minutes(place)
    except Refused:
        # Somebody else's run_dir.
        picture, minutes = Picture([]), []
    checks, latency_source = seen(minutes)
    check_cpu, cpu_source = cpu(picture)
    return Needs(demand, checks, check_cpu, machine(config), latency_source, cpu_source, config.log.mode)


def _minutes(place: Place) -> list[Minute]:
    try:
        return [minute for line in last_minutes(place.log(MINUTES_LOG), MINUTES) if (minute := told(line))]
    except OSError:
        return []


def show(findings: Findings, found: Needs | None, width: int) -> list[str]:
    """The mistakes, one line each, whole; then what the good entries need."""
    painter = palette()
    lines = [painter.paint(clean(mistake), Style.BAD) for mistake in findings.mistakes]
    lines += [painter.paint(clean(note), Style.WARN) for note in findings.notes]
    if findings.mistakes:
        lines.append(painter.paint(f"mistakes: {count(len(findings.mistakes))}", Style.BOLD))
    else:
        lines.append(painter.paint("no mistakes", Style.GOOD))
    return [*lines, "", *needs.show(found, width, painter)] if found else lines
