"""The way of a check, end to end: a list, a site with good and bad pages, and the logs that come of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from scripts.audit.log import Line
from scripts.demo.pages import LARGE
from system import ACTORS, System, eventually

# By name: the page, what its final line says (outcome, reason, class, status), the options of the target.
EXPECTED: dict[str, tuple[str, tuple[str, str, str, int], dict[str, object]]] = {
    "ok": ("/fast/1", ("ok", "", "", 200), {}),
    "redirecting": ("/twice", ("ok", "", "", 200), {}),
    "compressed": ("/compressed", ("ok", "", "", 200), {}),
    "expected": ("/failing", ("ok", "", "", 500), {"expect": [500]}),
    "not found": ("/no-such-page", ("fail", "http_status", "permanent", 404), {}),
    "failing": ("/failing", ("fail", "http_status", "transient", 500), {"retries": 0}),
    "hanging": ("/hanging", ("fail", "timeout", "transient", 0), {"timeout": 0.5, "retries": 0}),
    "resetting": ("/resetting", ("fail", "reset", "transient", 0), {"retries": 0}),
    "truncated": ("/truncated", ("fail", "reset", "transient", 200), {"retries": 0}),
    "loop": ("/loop", ("fail", "redirects", "permanent", 302), {}),
    "too large": ("/large", ("fail", "too_large", "permanent", 200), {"max_bytes": 1000}),
}
REFUSED = ("fail", "connect", "transient", 0)
NO_SUCH_NAME = ("fail", "dns", "permanent", 0)
# A target that keeps failing for good is looked at less often.
BACKED_OFF = ("missed", "backoff", "", 0)


class Finished:
    """A run of some slots that was drained, and its logs."""

    def __init__(self, system: System, codes: dict[str, int], due_total: int) -> None:
        self.system = system
        self.codes = codes
        self.due_total = due_total
        self.lines = system.lines()

    def finals(self, target: str) -> list[Line]:
        """The lines that settled the slots of ``target``."""
        return [line for line in self.lines if line.final and line.target == target]


@pytest.fixture(scope="module")
def finished(site: str, refusing: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    """Every kind of page at once, for about a dozen slots of each."""
    targets: list[dict[str, object]] = [
        {"name": name, "url": site + page, "interval": 1, **options}
        for name, (page, _verdict, options) in EXPECTED.items()
    ]
    targets += [
        {"name": "refused", "url": refusing, "interval": 1, "retries": 0},
        {"name": "no such name", "url": "http://no-such-name.invalid/", "interval": 1},
        # A retry is made only if it can end before the next slot.
        {"name": "flaky", "url": f"{site}/flaky", "interval": 2, "timeout": 0.5},
    ]
    system = System(tmp_path_factory.mktemp("pipeline"), targets, fetchers=2, check__retry_interval=0.1)
    try:
        system.start()
        system.until_checked(100, within_s=60)
        # The books close with the scheduler: what falls due until then is not in this answer.
        due_total = system.schedule()["due_total"]
        yield Finished(system, system.drain(), due_total)
    finally:
        system.close()


@pytest.mark.parametrize("target", EXPECTED)
def test_a_final_line_says_what_the_site_deserves(finished: Finished, target: str) -> None:
    found = {verdict(line) for line in finished.finals(target)}
    assert EXPECTED[target][1] in found
    assert found <= {EXPECTED[target][1], BACKED_OFF}


@pytest.mark.parametrize(
    ("target", "expected"), [("refused", REFUSED), ("no such name", NO_SUCH_NAME)], ids=["refused", "name"]
)
def test_a_site_that_is_not_there_is_data(
    finished: Finished, target: str, expected: tuple[str, str, str, int]
) -> None:
    found = {verdict(line) for line in finished.finals(target)}
    assert expected in found
    assert found <= {expected, BACKED_OFF}


def test_a_transient_failure_is_tried_again_inside_the_slot(finished: Finished) -> None:
    again = [line for line in finished.finals("flaky") if line.attempt > 1]
    assert again
    assert {line.outcome for line in again} == {"ok"}
    first = [line for line in finished.lines if line.target == "flaky" and not line.final]
    assert {(line.outcome, line.class_, line.status) for line in first} == {("fail", "transient", 503)}


def test_every_slot_has_exactly_one_final_line_and_the_minutes_add_up(finished: Finished) -> None:
    assert list(finished.system.findings()) == []
    settled = sum(line.slots or 1 for line in finished.lines if line.final)
    assert settled >= finished.due_total


def test_a_drain_ends_all_in_peace(finished: Finished) -> None:
    assert finished.codes == dict.fromkeys(ACTORS, 0)


def test_a_body_is_counted_after_decoding(finished: Finished) -> None:
    assert {line.bytes for line in finished.finals("compressed")} == {len(LARGE)}


def test_a_restart_goes_on_with_the_same_slots(site: str, make_system: Callable[..., System]) -> None:
    system = make_system([{"url": f"{site}/fast/{number}", "interval": 1} for number in range(1, 6)])
    for _ in range(2):
        system.start()
        system.until_checked(15)
        assert system.drain() == dict.fromkeys(ACTORS, 0)
    assert list(system.findings()) == []
    # When watching began, and the time between the two.
    assert [line.reason for line in system.lines() if line.since] == ["down", "down"]


def test_a_drain_settles_the_slots_that_wait_for_a_retry(
    site: str, make_system: Callable[..., System]
) -> None:
    target = {"url": f"{site}/failing", "interval": 3, "timeout": 0.4, "retries": 1}
    system = make_system([target], check__retry_interval=1.5)
    system.start()
    eventually(lambda: '"outcome":"fail"' in system.said(), "a first attempt has failed", within_s=30)
    assert system.drain() == dict.fromkeys(ACTORS, 0)
    assert list(system.findings()) == []


def verdict(line: Line) -> tuple[str, str, str, int]:
    return line.outcome, line.reason, line.class_, line.status
