"""What the part ``downloads`` claims, and against whom."""

from __future__ import annotations

from scripts.bench_run.clients import Run
from scripts.bench_run.downloads import Measured
from scripts.bench_run.figures import OURS, CaseFigures


def case(**others: list[Run]) -> CaseFigures:
    return CaseFigures("fast", "as fast as can be", 64, {OURS: [Run(1.0, 1.0, 0.5)], **others})


def test_who_is_faster_breaks_a_claim() -> None:
    assert Measured([case(curl=[Run(1.1, 1.0, 0.5)])]).held
    assert not Measured([case(curl=[Run(0.9, 0.8, 0.5)])]).held


def test_the_median_is_what_counts() -> None:
    assert Measured([case(curl=[Run(0.9, 0.8, 0.5), Run(1.2, 1.0, 0.5), Run(1.3, 1.0, 0.5)])]).held


def test_nothing_is_claimed_against_who_has_failed() -> None:
    found = case(axel=[Run(0.5, 0.5, 0.5)])
    found.failed["axel"] = "axel: ended by SIGSEGV"
    assert not list(found.claims())
    assert found.as_json()["clients"]["axel"] == {"failed": "axel: ended by SIGSEGV"}
    assert "failed" in str(found)
    assert [bar.label for bar in found.bars()] == [OURS]


def test_who_was_stopped_took_more_than_that() -> None:
    found = case(curl=[Run(5.0, 5.0, 0, stopped=True)])
    (claim,) = found.claims()
    assert (claim.words, claim.holds) == ("fast: less than 0.20 of the time of curl", True)
    assert "> 5.00" in str(found)
    assert found.bars()[1].or_more
    assert found.as_json()["clients"]["curl"] == {"stopped_after_s": 5.0}


def test_late_checks_break_a_claim() -> None:
    found = case()
    found.lags_ms = [1.0] * 98 + [150.0] * 2
    assert not Measured([found]).held
