"""``status``: the picture composed from answers, its words, and how it is shown."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from pagestatus.control import ControlError, NoAnswer, Silent
from pagestatus.ctl.picture import EXIT_CODES, compose
from pagestatus.ctl.show_status import show
from pagestatus.ctl.table import COLOUR
from pagestatus.ctl.troubles import troubles

DATA_DIR = Path("/var/lib/pagestatus")
CORES = 2
NOW = "2026-01-31 12:04:05 UTC"
MINUTE: dict[str, Any] = {
    "minute": "2026-01-31T12:03:00.000Z",
    "due": 5000,
    "checked": 4950,
    "ok": 4900,
    "fail": 40,
    "internal": 10,
    "missed": {"overrun": 45, "no_capacity": 5},
    "lag_ms": {"p50": 1.0, "p90": 2.0, "p99": 12.1, "max": 80.2},
    "latency_ms": {"p50": 31.0, "p90": 88.0, "p99": 401.2, "max": 9987.2},
}
ANSWERS: dict[str, Any] = {
    "scheduler": {
        "name": "scheduler",
        "pid": 12345,
        "state": "running",
        "uptime_s": 7500.1,
        "cpu_s": 812.5,
        "load": 0.104,
        "targets": {"total": 2500, "up": 2310, "down": 180, "unknown": 10, "paused": 0},
        "schedule": {
            "due_total": 1234567,
            "checked_total": 1230000,
            "missed_total": {"overrun": 2000, "no_capacity": 2455, "retry_after": 100},
            "in_flight": 12,
            "per_second": 83.4,
            "lag_ms": {"p50": 1.0, "p99": 3.0, "max": 8.0},
        },
        "fetchers": [
            {"fetcher": 1, "epoch": 5, "slots": 2000, "leases": 8, "alive": True},
            {"fetcher": 2, "epoch": 6, "slots": 2000, "leases": 4, "alive": True},
        ],
        "aggregator": {"alive": True, "writable": True},
    },
    "aggregator": {"name": "aggregator", "pid": 12346, "state": "running", "uptime_s": 7500.1, "load": 0.05},
    "fetchers": {
        "name": "fetchers",
        "pid": 12347,
        "state": "running",
        "uptime_s": 7500.1,
        "wanted": 2,
        "fetchers": [
            {"name": "fetcher-1", "pid": 12350, "state": "running", "uptime_s": 7499.0},
            {"name": "fetcher-2", "pid": 12351, "state": "running", "uptime_s": 99.0},
        ],
    },
    "fetcher-1": {"name": "fetcher-1", "pid": 12350, "state": "running", "cpu_s": 1500.0, "load": 0.208},
    "fetcher-2": {"name": "fetcher-2", "pid": 12351, "state": "running", "cpu_s": 20.0, "load": 0.192},
    "wsbridge": {
        "name": "wsbridge",
        "pid": 12348,
        "state": "running",
        "uptime_s": 7500.1,
        "load": 0.0004,
        "downloads": {"queued": 0, "active": 0, "complete": 0, "failed": 0},
        "listening": "ws://127.0.0.1:8888/",
        "clients": 0,
        "writable": True,
    },
}


@pytest.fixture
def answers() -> dict[str, Any]:
    return deepcopy(ANSWERS)


def shown(answers: dict[str, Any], minute: dict[str, Any], width: int = 80) -> str:
    picture = compose(answers, minute, DATA_DIR, CORES)
    return "\n".join(show(picture, troubles(picture), NOW, width))


def test_all_is_well(answers: dict[str, Any]) -> None:
    assert (
        shown(answers, MINUTE)
        == """\
pagestatus is running, at 28 % of capacity               2026-01-31 12:04:05 UTC

PROCESS     STATE      PID      UP     CPU  SLOTS IN USE
scheduler   running  12345  2h 05m    10 %
aggregator  running  12346  2h 05m   5.0 %
fetchers    running  12347  2h 05m
wsbridge    running  12348  2h 05m  <0.1 %
fetcher-1   running  12350  2h 04m    21 %  8 of 2,000
fetcher-2   running  12351  1m 39s    19 %  4 of 2,000

targets      2,500   2,310 up   180 down   10 not known yet   0 paused
slots        1,234,567 due = 1,230,000 checked + 4,555 missed + 12 in flight
rate         83.4 checks a second   lag p50 1.0 ms, p99 3.0 ms, max 8.0 ms
last minute  12:03   5,000 due   4,900 ok   40 failed   10 internal   50 missed
             lag p50 1.0 ms, p99 12 ms, max 80 ms
             latency p50 31 ms, p99 401 ms, max 9.99 s

MISSED       TOTAL  MINUTE  WHY
no_capacity  2,455       5  no fetcher had room: pagestatus-ctl scale N, or
                            raise slots
overrun      2,000      45  the slot before was still open: longer interval, or
                            lower timeout and retries (or the disk was full)
retry_after    100       0  the server asked to be left alone for a while
                            (Retry-After): nothing to do"""
    )


def test_it_fits_a_terminal_of_80_by_24_with_three_reasons(answers: dict[str, Any]) -> None:
    lines = shown(answers, MINUTE).splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 24


def test_a_silent_aggregator_is_told_with_what_to_do(answers: dict[str, Any]) -> None:
    answers["aggregator"] = Silent("no answer within 0.8 s")
    answers["watchdog"] = {"name": "watchdog", "pid": 12349, "state": "running"}
    assert shown(answers, {}).splitlines()[:8] == [
        "pagestatus is degraded                                   2026-01-31 12:04:05 UTC",
        "! aggregator does not answer: no result is written, and checking stops once the",
        "  fetchers are full. If it hangs, the watchdog kills it after half a minute; if",
        "  that lasts, see /var/lib/pagestatus/aggregator.log and kill -9 it.",
        "",
        "PROCESS     STATE      PID      UP     CPU  SLOTS IN USE",
        "scheduler   running  12345  2h 05m    10 %",
        "aggregator  silent",
    ]


def test_without_the_scheduler_the_rest_is_said(answers: dict[str, Any]) -> None:
    answers["scheduler"] = NoAnswer("gone")
    assert shown(answers, MINUTE).splitlines() == [
        "pagestatus is degraded                                   2026-01-31 12:04:05 UTC",
        "! scheduler is not running: nothing is checked. If it stays away, see",
        "  /var/lib/pagestatus/scheduler.log, and then: supervisorctl -c",
        "  scripts/supervisord.conf start scheduler.",
        "",
        "PROCESS     STATE      PID      UP     CPU  SLOTS IN USE",
        "scheduler   absent",
        "aggregator  running  12346  2h 05m   5.0 %",
        "fetchers    running  12347  2h 05m",
        "wsbridge    running  12348  2h 05m  <0.1 %",
        "fetcher-1   running  12350  2h 04m    21 %",
        "fetcher-2   running  12351  1m 39s    19 %",
        "",
        "last minute  12:03   5,000 due   4,900 ok   40 failed   10 internal   50 missed",
        "             lag p50 1.0 ms, p99 12 ms, max 80 ms",
        "             latency p50 31 ms, p99 401 ms, max 9.99 s",
        "",
        "MISSED       TOTAL  MINUTE  WHY",
        "no_capacity      0       5  no fetcher had room: pagestatus-ctl scale N, or",
        "                            raise slots",
        "overrun          0      45  the slot before was still open: longer interval, or",
        "                            lower timeout and retries (or the disk was full)",
    ]


def test_a_clock_that_was_set_back_is_told(answers: dict[str, Any]) -> None:
    answers["scheduler"] |= {"state": "blocked", "trouble": "the clock was set back: set it right"}
    assert shown(answers, MINUTE).splitlines()[:2] == [
        "pagestatus is degraded                                   2026-01-31 12:04:05 UTC",
        "! scheduler is blocked: the clock was set back: set it right.",
    ]


def test_a_clock_that_is_not_followed_back_is_told_and_all_is_well(answers: dict[str, Any]) -> None:
    answers["aggregator"]["clock_set_back_s"] = 3600
    assert shown(answers, MINUTE).splitlines()[:4] == [
        "pagestatus is running, at 28 % of capacity               2026-01-31 12:04:05 UTC",
        "! The clock was set back by 3,600 s, and what runs goes on by the time of",
        "  before. If it is wrong now, set it right; a scheduler that starts now waits",
        "  for that time to come again.",
    ]


@pytest.mark.parametrize("name", ["scheduler", "fetcher-2"])
def test_frames_that_were_no_messages_are_told(answers: dict[str, Any], name: str) -> None:
    answers[name] |= {"bad_frames": 1200, "bad_frame_s": 59.9}
    assert (
        f"! {name} gets frames that are no messages (1,200 so far): are all processes of one version? "
        "Else start all of them again."
    ) in " ".join(shown(answers, MINUTE).split())
    answers[name]["bad_frame_s"] = 60.1
    assert "frames" not in shown(answers, MINUTE)


def test_a_fetcher_that_stands_still_is_told_though_its_pool_has_not_noticed(answers: dict[str, Any]) -> None:
    answers["fetcher-1"] = Silent("no answer within 0.8 s")
    assert shown(answers, MINUTE).splitlines()[:4] == [
        "pagestatus is degraded                                   2026-01-31 12:04:05 UTC",
        "! fetcher-1 does not answer: its targets may have to wait. If it hangs, its pool",
        "  kills it after ten seconds; if that lasts, see",
        "  /var/lib/pagestatus/fetchers.log and kill -9 12350.",
    ]


@pytest.mark.parametrize("watchdog", [None, Silent("no answer within 0.8 s")])
def test_where_nobody_ends_what_hangs_that_is_told(answers: dict[str, Any], watchdog: Silent | None) -> None:
    answers["scheduler"] = Silent("no answer within 0.8 s")
    answers["watchdog"] = watchdog or NoAnswer("no such file")
    said = " ".join(shown(answers, {}).split())
    log = "/var/lib/pagestatus/scheduler.log"
    assert f"nothing is checked. If it hangs, nobody ends it: see {log} and kill -9 it. " in said


def test_who_is_gone_comes_back_only_with_a_supervisord(answers: dict[str, Any]) -> None:
    answers["scheduler"] = NoAnswer("no such file")
    answers["aggregator"]["state"] = "unsupervised"
    said = " ".join(shown(answers, {}).split())
    assert (
        "scheduler is not running: nothing is checked. Nobody starts it again: supervisord has ended." in said
    )


def test_a_watchdog_that_hangs_and_a_supervisord_that_does_are_told(answers: dict[str, Any]) -> None:
    answers["watchdog"] = Silent("no answer within 0.8 s")
    told = "! watchdog does not answer: nobody ends what hangs. kill -9 it: supervisord starts another."
    assert told in " ".join(shown(answers, MINUTE).split())
    trouble = "supervisord (pid 7) hangs: silent for 31 s"
    answers["watchdog"] = {"name": "watchdog", "state": "blocked", "trouble": trouble}
    assert f"! watchdog is blocked: {trouble}." in " ".join(shown(answers, MINUTE).split())


def test_nothing_runs() -> None:
    absent = {name: NoAnswer("gone") for name in ANSWERS}
    assert shown(absent, MINUTE).splitlines() == [
        "pagestatus is not running                                2026-01-31 12:04:05 UTC",
        "! Nothing runs here. Start it with scripts/run (supervisorctl -c",
        "  scripts/supervisord.conf start all, where supervisord runs), or name its",
        "  run_dir with --run-dir.",
    ]


@pytest.mark.parametrize(
    ("process", "answer", "state"),
    [
        ("scheduler", None, "running"),
        ("scheduler", NoAnswer("gone"), "degraded"),
        ("aggregator", Silent("no answer"), "degraded"),
        ("fetchers", ControlError("confused"), "degraded"),
        ("fetchers", {"nothing": "we know"}, "degraded"),
        ("scheduler", {"name": "scheduler", "state": "starting"}, "degraded"),
        ("scheduler", {"name": "scheduler", "state": "draining"}, "degraded"),
        ("aggregator", {"name": "aggregator", "state": "blocked", "writable": False}, "degraded"),
        ("fetchers", {"name": "fetchers", "state": "running", "wanted": 3, "fetchers": []}, "degraded"),
        ("wsbridge", NoAnswer("gone"), "degraded"),
        ("wsbridge", Silent("no answer"), "degraded"),
        ("wsbridge", {"name": "wsbridge", "state": "blocked", "writable": False}, "degraded"),
        ("wsbridge", {"name": "wsbridge", "state": "running"}, "running"),
        (
            "fetchers",
            {
                "name": "fetchers",
                "state": "running",
                "wanted": 1,
                "fetchers": [
                    {"name": "fetcher-1", "state": "running"},
                    {"name": "fetcher-2", "state": "draining"},
                ],
            },
            "running",
        ),
    ],
)
def test_what_counts_as_degraded(answers: dict[str, Any], process: str, answer: object, state: str) -> None:
    if answer is not None:
        answers[process] = answer
    assert compose(answers, {}, DATA_DIR, CORES).state == state


def test_exit_codes() -> None:
    assert EXIT_CODES == {"running": 0, "degraded": 3, "not running": 4}


def test_the_shape_of_the_json(answers: dict[str, Any]) -> None:
    picture = compose(answers, MINUTE, DATA_DIR, CORES).as_json()
    assert list(picture) == ["state", "processes", "targets", "schedule", "minute", "downloads", "capacity"]
    assert picture["processes"][0] == {
        "name": "scheduler",
        "pid": 12345,
        "state": "running",
        "uptime_s": 7500.1,
        "cpu_s": 812.5,
        "load": 0.104,
    }
    assert [process["name"] for process in picture["processes"]] == [
        "scheduler",
        "aggregator",
        "fetchers",
        "wsbridge",
        "fetcher-1",
        "fetcher-2",
    ]
    assert picture["targets"] == ANSWERS["scheduler"]["targets"]
    assert picture["schedule"] == ANSWERS["scheduler"]["schedule"]
    assert picture["minute"] == MINUTE
    assert picture["downloads"] == {"queued": 0, "active": 0, "complete": 0, "failed": 0}


def test_what_only_the_scheduler_knows_is_empty_without_it(answers: dict[str, Any]) -> None:
    answers["scheduler"] = Silent("no answer")
    picture = compose(answers, {}, DATA_DIR, CORES).as_json()
    assert picture["targets"] == picture["schedule"] == picture["minute"] == {}
    assert picture["processes"][0] == {
        "name": "scheduler",
        "pid": None,
        "state": "silent",
        "uptime_s": None,
        "cpu_s": None,
        "load": None,
    }


def test_without_the_pool_the_scheduler_tells_of_the_fetchers(answers: dict[str, Any]) -> None:
    answers["fetchers"] = Silent("no answer")
    answers["scheduler"]["fetchers"] += [
        {"fetcher": 1, "epoch": 4, "slots": 2000, "leases": 3, "alive": False},
        {"fetcher": 3, "epoch": 7, "slots": 2000, "leases": 3, "alive": False},
    ]
    states = {process.name: process.state for process in compose(answers, {}, DATA_DIR, CORES).processes}
    assert list(states)[4:] == ["fetcher-1", "fetcher-2", "fetcher-3"]
    assert list(states.values())[4:] == ["running", "running", "silent"]


def test_a_full_disk_and_a_bad_list_are_told(answers: dict[str, Any]) -> None:
    answers["aggregator"].update(state="blocked", writable=False)
    answers["scheduler"]["list"] = {"mistakes": 3, "problem": "urls.json: empty", "path": "/my urls.json"}
    assert list(troubles(compose(answers, {}, DATA_DIR, CORES))) == [
        "Results do not reach the disk: make room in /var/lib/pagestatus, then it goes on by itself.",
        "urls.json: empty: the list before is kept. Mend it: a scheduler that starts now has none.",
        "Entries of the list are left out: 3. pagestatus-ctl check-config '/my urls.json' says why.",
    ]


@pytest.mark.parametrize(
    ("trouble", "help_"),
    [
        ("the.log: No space left on device", "make room in /var/lib/pagestatus"),
        ("the.log: File too large", "raise its limit on the size of files (LimitFSIZE, ulimit -f)"),
        ("the.db: disk I/O error", "see that the disk is well, and that files may grow"),
    ],
)
def test_what_helps_depends_on_what_the_disk_said(answers: dict[str, Any], trouble: str, help_: str) -> None:
    answers["aggregator"].update(state="blocked", trouble=trouble)
    (said,) = troubles(compose(answers, {}, DATA_DIR, CORES))
    assert said.startswith(f"Results do not reach the disk ({trouble}): {help_}")


def test_downloads_have_a_line_when_there_are_any(answers: dict[str, Any]) -> None:
    assert "downloads" not in shown(answers, MINUTE)
    answers["wsbridge"]["downloads"] = {"queued": 1, "active": 4, "complete": 1234, "failed": 2}
    lines = shown(answers, MINUTE).splitlines()
    line = "downloads    1 queued   4 active   1,234 complete   2 failed"
    assert lines.index(line) == lines.index(next(line for line in lines if line.startswith("rate"))) + 1
    assert compose(answers, {}, DATA_DIR, CORES).as_json()["downloads"] == answers["wsbridge"]["downloads"]


@pytest.mark.parametrize("answer", [NoAnswer("gone"), Silent("no answer"), {"nothing": "we know"}])
def test_without_the_bridge_nothing_is_known_of_downloads(answers: dict[str, Any], answer: object) -> None:
    answers["wsbridge"] = answer
    assert compose(answers, {}, DATA_DIR, CORES).as_json()["downloads"] == {}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (NoAnswer("gone"), "wsbridge is not running: no download runs, none can be asked for."),
        (Silent("no answer"), "wsbridge does not answer: no download runs, none can be asked for."),
        (
            {"name": "wsbridge", "state": "blocked", "writable": False},
            "The journal of downloads does not reach the disk: make room in /var/lib/pagestatus,",
        ),
    ],
)
def test_what_is_wrong_with_the_bridge_is_told(answers: dict[str, Any], answer: object, words: str) -> None:
    answers["wsbridge"] = answer
    (trouble,) = troubles(compose(answers, {}, DATA_DIR, CORES))
    assert trouble.startswith(words)


def test_a_fetcher_that_leaves_is_no_trouble_and_one_that_is_missing_is(answers: dict[str, Any]) -> None:
    answers["fetchers"]["fetchers"][1]["state"] = "draining"
    assert list(troubles(compose(answers, {}, DATA_DIR, CORES))) == []
    del answers["fetchers"]["fetchers"][1]
    (trouble,) = troubles(compose(answers, {}, DATA_DIR, CORES))
    assert trouble.startswith("fetcher-2 is not running: the others do its work.")
    assert trouble.endswith("see /var/lib/pagestatus/fetchers.log.")


def test_many_fetchers_are_one_row(answers: dict[str, Any]) -> None:
    answers["fetchers"]["wanted"] = 16
    answers["fetchers"]["fetchers"] = [
        {"name": f"fetcher-{index}", "pid": index, "state": "running", "uptime_s": 100.0 + index}
        for index in range(1, 17)
    ]
    answers["scheduler"]["fetchers"] = [
        {"fetcher": index, "epoch": index, "slots": 2000, "leases": index} for index in range(1, 17)
    ]
    rows = shown(answers, {}).splitlines()[2:8]
    assert rows[-1] == "fetcher-1…16  running         1m 41s    40 %  136 of 32,000"
    answers["fetchers"]["fetchers"][4]["state"] = "draining"
    assert len([line for line in shown(answers, {}).splitlines() if line.startswith("fetcher-")]) == 16


def test_what_others_wrote_cannot_steer_the_terminal(answers: dict[str, Any]) -> None:
    answers["scheduler"]["state"] = "\x1b[2J"
    answers["scheduler"]["schedule"]["missed_total"] = {"\x1b]0;x\x07": 1}
    assert "\x1b" not in shown(answers, {})


def test_colour_is_all_that_colour_adds(answers: dict[str, Any]) -> None:
    picture = compose(answers, MINUTE, DATA_DIR, CORES)
    painted = "\n".join(show(picture, [], NOW, 80, COLOUR))
    for code in ("0", "1", "2", "31", "32", "33"):
        painted = painted.replace(f"\x1b[{code}m", "")
    assert painted == shown(answers, MINUTE)


def capacity(answers: dict[str, Any], minute: dict[str, Any], cores: int = CORES) -> dict[str, Any]:
    found: dict[str, Any] = compose(answers, minute, DATA_DIR, cores).as_json()["capacity"]
    return found


def test_how_much_of_the_capacity_is_in_use(answers: dict[str, Any]) -> None:
    found = capacity(answers, MINUTE)
    assert (found["limit"], found["warning"]) == ("cores", None)
    assert found["share"] == pytest.approx((0.104 + 0.05 + 0.208 + 0.192 + 0.0004) / 2)
    used = {name: (limit["used"], limit["has"]) for name, limit in found["limits"].items()}
    assert used == {
        "cores": (pytest.approx(0.5544), 2),
        "fetcher-1": (0.208, 1),
        "fetcher-2": (0.192, 1),
        "scheduler": (0.104, 1),
        "aggregator": (0.05, 1),
        # What 83.4 checks a second need at the latency of the last minute is less than what is in use.
        "slots": (pytest.approx(15.6, abs=0.1), 4000),
    }


def test_slots_are_needed_before_they_are_in_use(answers: dict[str, Any]) -> None:
    slow = {**MINUTE, "latency_ms": dict.fromkeys(("p50", "p90", "p99", "max"), 40_000.0)}
    assert capacity(answers, slow)["limits"]["slots"]["used"] == pytest.approx(83.4 * 40)
    answers["scheduler"]["fetchers"][0]["leases"] = 3500
    assert capacity(answers, slow)["limits"]["slots"]["used"] == 3504


OF_ONE = "of a core, and it can use only one"


@pytest.mark.parametrize(
    ("leases", "loads", "cores", "words"),
    [
        (1590, {}, 8, None),
        (
            1600,
            {},
            8,
            (
                "At 80 % of capacity: 3,200 of 4,000 slots are in use or needed. "
                "Before slots are missed: raise slots, or pagestatus-ctl scale N."
            ),
        ),
        (
            2000,
            {},
            8,
            (
                "Out of capacity (100 %): 4,000 of 4,000 slots are in use or needed. "
                "What helps: raise slots, or pagestatus-ctl scale N."
            ),
        ),
        (0, {"fetcher-1": 0.79}, 8, None),
        (
            0,
            {"fetcher-1": 0.85, "fetcher-2": 0.75},
            8,
            (
                f"At 85 % of capacity: fetcher-1 uses 85 % {OF_ONE}. "
                "Before slots are missed: pagestatus-ctl scale 3."
            ),
        ),
        (
            0,
            {"fetcher-1": 1.1, "fetcher-2": 1.5},
            8,
            f"Out of capacity (150 %): fetcher-2 uses 150 % {OF_ONE}. What helps: pagestatus-ctl scale 4.",
        ),
        (
            0,
            {"fetcher-1": 0.9, "fetcher-2": 0.7},
            2,
            (
                f"At 90 % of capacity: fetcher-1 uses 90 % {OF_ONE}. "
                "Before slots are missed: pagestatus-ctl scale 3, on more cores."
            ),
        ),
        (
            0,
            {"scheduler": 0.9},
            8,
            (
                f"At 90 % of capacity: scheduler uses 90 % {OF_ONE}. Before slots are missed: "
                "it is one process, on one core: longer intervals, or a part of the list elsewhere."
            ),
        ),
        (
            0,
            {"fetcher-1": 0.7, "fetcher-2": 0.7, "scheduler": 0.2, "aggregator": 0.3},
            2,
            (
                "At 95 % of capacity: 1.9 of 2 cores are in use. "
                "Before slots are missed: 3 cores, or longer intervals."
            ),
        ),
        # Verifying a download fills a core, and no check passes through the bridge.
        (0, {"wsbridge": 1.0}, 8, None),
        (0, {"fetchers": 1.0}, 8, None),
    ],
)
def test_what_runs_out_is_told_before_slots_are_missed(
    answers: dict[str, Any], leases: int, loads: dict[str, float], cores: int, words: str | None
) -> None:
    for lender in answers["scheduler"]["fetchers"]:
        lender["leases"] = leases
    for name in ANSWERS:
        answers[name]["load"] = loads.get(name, 0.0)
    picture = compose(answers, {}, DATA_DIR, cores)
    assert picture.state == "running"
    assert picture.as_json()["capacity"]["warning"] == words
    assert list(troubles(picture)) == ([words] if words else [])


def test_starting_takes_cpu_that_checking_does_not(answers: dict[str, Any]) -> None:
    answers["scheduler"]["load"] = 1.0
    assert capacity(answers, MINUTE)["warning"]
    answers["fetchers"]["fetchers"][1]["uptime_s"] = 19.9
    found = capacity(answers, MINUTE)
    assert found["warning"] is None
    assert (found["limit"], found["limits"]["cores"]["used"]) == ("slots", 0)


@pytest.mark.parametrize("absent", ["aggregator", "wsbridge"])
def test_what_is_not_whole_has_other_troubles(answers: dict[str, Any], absent: str) -> None:
    """While nothing is committed leases fill all slots, and more of them would not help."""
    answers["scheduler"]["fetchers"][0]["leases"] = 4000
    assert capacity(answers, MINUTE)["warning"]
    answers[absent] = NoAnswer("gone")
    picture = compose(answers, MINUTE, DATA_DIR, CORES)
    assert picture.as_json()["capacity"]["warning"] is None
    assert not [trouble for trouble in troubles(picture) if "apacity" in trouble]
    assert "apacity" not in shown(answers, {}).splitlines()[0]


@pytest.mark.parametrize("fetchers", [[], [{"fetcher": 1, "slots": 2000, "leases": 8, "alive": False}]])
def test_without_slots_there_is_no_share(answers: dict[str, Any], fetchers: list[dict[str, Any]]) -> None:
    answers["scheduler"]["fetchers"] = fetchers
    assert capacity(answers, MINUTE) == {}
    answers["scheduler"] = Silent("no answer")
    assert capacity(answers, MINUTE) == {}


def test_processes_of_another_version_tell_no_load(answers: dict[str, Any]) -> None:
    for name in ANSWERS:
        answers[name].pop("load", None)
    del answers["fetcher-1"]
    answers["fetcher-2"] = {"nothing": "we know"}
    found = capacity(answers, {})
    assert list(found["limits"]) == ["slots", "cores"]
    assert found["share"] == pytest.approx(12 / 4000)
