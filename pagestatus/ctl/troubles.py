"""What is wrong with a picture, in words that say what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pagestatus.ctl.answers import ListState, Process
from pagestatus.ctl.own_faults import RECENT_S
from pagestatus.ctl.picture import SHAPES, WATCHDOG, Picture, is_well
from pagestatus.ctl.text import count

_WITHOUT = {
    "scheduler": "nothing is checked",
    "aggregator": "no result is written, and checking stops once the fetchers are full",
    "fetchers": "nothing is checked, every slot is missed, and no download runs",
    "wsbridge": "no download runs, none can be asked for",
    WATCHDOG: "nobody ends what hangs",
}
# What has left with a mistake in the configuration is not started again by itself.
_START = "supervisorctl -c scripts/supervisord.conf start {name}"
# Who ends one that hangs: the fetchers have their pool. (Without descriptors one can not answer, either.)
_IF_SILENT = {WATCHDOG: "kill -9 {it}: supervisord starts another."}
_WATCHED = (
    "If it hangs, the watchdog kills it after half a minute; if that lasts, see {log} and kill -9 {it}."
)
_POOLED = "If it hangs, its pool kills it after ten seconds; if that lasts, see {log} and kill -9 {it}."
_UNWATCHED = "If it hangs, nobody ends it: see {log} and kill -9 {it}."
_UNSUPERVISED = "unsupervised"
# ``blocked``: it can not do its work, and ``trouble`` says why. Of these it is the disk, which takes nothing.
_BLOCKED = {"aggregator": "Results do", "wsbridge": "The journal of downloads does"}
_STATES = {
    "absent": "{name} is not running: {without}. {back}",
    "silent": "{name} does not answer: {without}. ",
    "starting": "{name} is starting. If that lasts, see {log}.",
    "draining": "{name} is finishing what is in flight, and then ends.",
    _UNSUPERVISED: "{name} goes on without supervisord, which has ended: start that again (scripts/run), "
    "and it takes over.",
}
# What else than more room helps, by what its words have in them. SQLite does not tell what an I/O error was.
_LIMIT = "raise its limit on the size of files (LimitFSIZE, ulimit -f)"
_WELL = "see that the disk is well, and that files may grow (LimitFSIZE, ulimit -f)"
_HELP = {"File too large": _LIMIT, "I/O error": _WELL, "Input/output error": _WELL}


def troubles(picture: Picture) -> Iterator[str]:
    """What is not as it should be, and what to do about it; one sentence each."""
    if picture.state == "not running":
        yield (
            f"Nothing runs here. Start it with scripts/run ({_START.format(name='all')}, where supervisord "
            "runs), or name its run_dir with --run-dir."
        )
        return
    for process in picture.processes:
        if not is_well(process):
            yield _of_process(process, picture)
        if process.bad_frame_s is not None and process.bad_frame_s < RECENT_S:
            yield (
                f"{process.name} gets frames that are no messages ({count(process.bad_frames)} so far): "
                "are all processes of one version? Else start all of them again."
            )
    if set_back_s := max(process.clock_set_back_s for process in picture.processes):
        yield (
            f"The clock was set back by {count(set_back_s)} s, and what runs goes on by the time of before. "
            "If it is wrong now, set it right; a scheduler that starts now waits for that time to come again."
        )
    yield from picture.own_faults.told()
    if picture.warning:
        yield picture.warning
    if picture.scheduler is not None:
        yield from _of_list(picture.scheduler.list)


def _of_process(process: Process, picture: Picture) -> str:
    name, data_dir = process.name, picture.data_dir
    log = data_dir / f"{name if name in SHAPES else 'fetchers'}.log"
    state = process.state
    without = _without(name, state)
    if state == "blocked" and (what := _BLOCKED.get(name)):
        return f"{what} not reach the disk{_remedy(process.trouble, data_dir)}, then it goes on by itself."
    if state == "blocked" and process.trouble:
        return f"{name} is blocked: {process.trouble}."
    words = _STATES.get(state, "{name} is {state}: see {log}.")
    if state == "silent":
        words += _IF_SILENT.get(name) or _who_ends(name, picture)
    back = f"If it stays away, see {log}"
    # The pool starts the others.
    back += f", and then: {_START.format(name=name)}." if name in SHAPES else "."
    if any(other.state == _UNSUPERVISED for other in picture.processes):
        back = "Nobody starts it again: supervisord has ended."
    it = str(process.pid or "it")
    return words.format(name=name, state=state, without=without, log=log, back=back, it=it)


def _who_ends(name: str, picture: Picture) -> str:
    """What hangs is ended by the watchdog, and a fetcher by its pool, if those are well themselves."""
    theirs, words = (WATCHDOG, _WATCHED) if name in SHAPES else ("fetchers", _POOLED)
    is_there = any(other.name == theirs and is_well(other) for other in picture.processes)
    return words if is_there else _UNWATCHED


def _without(name: str, state: str) -> str:
    if state != "silent" or name in {"scheduler", "aggregator", "wsbridge", WATCHDOG}:
        return _WITHOUT.get(name, "the others do its work")
    # Those that are there go on; and a host keeps its fetcher for as long as that lives.
    return "no fetcher that ends is started again" if name in SHAPES else "its targets may have to wait"


def _remedy(trouble: str, data_dir: Path) -> str:
    help_ = next((help_ for words, help_ in _HELP.items() if words in trouble), f"make room in {data_dir}")
    return f" ({trouble}): {help_}" if trouble else f": {help_}"


def _of_list(state: ListState) -> Iterator[str]:
    if state.problem:
        yield f"{state.problem}: the list before is kept. Mend it: a scheduler that starts now has none."
    if state.mistakes:
        yield f"Entries of the list are left out: {state.mistakes}. {state.explained_by} says why."
