"""How a soak is told: tables for people, JSON for programs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from statistics import median
from typing import Any

from scripts.bench_run.table import table
from scripts.soak_run.fault import Struck
from scripts.soak_run.judgement import Judgement
from scripts.soak_run.soak import Plan

MOST_SHOWN = 10
MIB = 1 << 20


def as_text(plan: Plan, found: Judgement) -> str:
    """For people."""
    return "\n\n".join(
        (
            f"seed {plan.seed}, {plan.seconds:g} s, {plan.rate:,} checks a second",
            table(("fault", "times", "lasted", "well again after", "at most"), list(_faults(found.struck))),
            table(("accounting", ""), list(_figures(found))),
            *(
                [table(("grown", "lived", "MiB", "descriptors", "threads"), list(_grown(found)))]
                * bool(found.grown)
            ),
            "\n".join(_promises(found)),
        )
    )


def as_json(plan: Plan, found: Judgement) -> dict[str, Any]:
    """For programs. Durations are seconds."""
    return {
        "seed": plan.seed,
        "seconds": plan.seconds,
        "rate": plan.rate,
        "faults": {
            name: {"times": len(wells), "median_s": median(wells), "longest_s": max(wells)}
            for name, wells in wells_s(found.struck).items()
        },
        **accounting(found),
        "requests": found.requests,
        "unknown_requests": found.unknown_requests,
        "downloads": found.downloads,
        "downloaded_bytes": found.downloaded_bytes,
        "grown": [
            {
                "name": one.name,
                "lived_s": one.lived_s,
                "first": one.first._asdict(),
                "last": one.last._asdict(),
            }
            for one in found.grown
        ],
        "findings": found.findings,
    }


def accounting(found: Judgement) -> dict[str, Any]:
    """Slots: ``due == checked + sum(missed)``."""
    by_outcome: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for (outcome, reason), count in found.slots.items():
        by_outcome[outcome] += count
        if outcome == "missed":
            missed[reason] += count
    checked = {outcome: by_outcome[outcome] for outcome in ("ok", "fail", "internal")}
    return {
        "due": by_outcome.total(),
        "checked": sum(checked.values()),
        **checked,
        "missed": dict(sorted(missed.items())),
        "attempts": found.attempts,
    }


def wells_s(struck: Sequence[Struck]) -> dict[str, list[float]]:
    """How long after the end of each fault all was well, by its name."""
    return seconds(struck, lambda one: one.well_us - one.ended_us)


def seconds(struck: Sequence[Struck], us: Callable[[Struck], int]) -> dict[str, list[float]]:
    """A time of each, by its name."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for one in struck:
        found[one.fault.name].append(us(one) / 1e6)
    return dict(sorted(found.items()))


def _faults(struck: Sequence[Struck]) -> Iterator[tuple[str, ...]]:
    lasted = seconds(struck, lambda one: one.ended_us - one.began_us)
    for name, wells in wells_s(struck).items():
        lasted_s = median(lasted[name])
        yield name, str(len(wells)), *(f"{time_s:.1f} s" for time_s in (lasted_s, median(wells), max(wells)))


def _figures(found: Judgement) -> Iterator[tuple[str, str]]:
    books = accounting(found)
    missed = books.pop("missed")
    yield from ((name, f"{count:,}") for name, count in books.items())
    yield from ((f"missed: {reason}", f"{count:,}") for reason, count in missed.items())
    yield "requests that the witness saw", f"{found.requests:,}"
    yield "  whose attempt was lost with a process", f"{found.unknown_requests:,}"
    yield "ok attempts that it confirms", f"{found.ok_attempts:,}"
    yield from ((f"downloads: {end}", f"{count:,}") for end, count in sorted(found.downloads.items()))
    yield "downloaded, MiB", f"{found.downloaded_bytes // MIB:,}"
    yield "questions to control sockets", f"{found.questions:,}"


def _grown(found: Judgement) -> Iterator[tuple[str, ...]]:
    for one in found.grown:
        first, last = one.first, one.last
        yield (
            one.name,
            f"{one.lived_s:.0f} s",
            f"{first.rss_kib // 1024} to {last.rss_kib // 1024}",
            f"{first.descriptors} to {last.descriptors}",
            f"{first.threads} to {last.threads}",
        )


def _promises(found: Judgement) -> Iterator[str]:
    for promise, findings in found.findings.items():
        yield f"{'NOT' if findings else 'ok':>3}  {promise}" + (
            f": {len(findings):,} findings" * bool(findings)
        )
        yield from (f"       {finding}" for finding in findings[:MOST_SHOWN])
