"""What is wrong with a picture, in words that say what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pagestatus.ctl.answers import ListState, Process
from pagestatus.ctl.picture import SHAPES, Picture, is_well

_WITHOUT = {
    "scheduler": "nothing is checked",
    "aggregator": "no result is written, and checking stops once the fetchers are full",
    "fetchers": "nothing is checked, every slot is missed, and no download runs",
    "wsbridge": "no download runs, none can be asked for",
}
# A process's own word for a disk that takes nothing is ``blocked``: what does not reach it.
_BLOCKED = {"aggregator": "Results do", "wsbridge": "The journal of downloads does"}


def troubles(picture: Picture) -> Iterator[str]:
    """What is not as it should be, and what to do about it; one sentence each."""
    if picture.state == "not running":
        yield "Nothing runs here. Start it with scripts/run, or name its run_dir with --run-dir."
        return
    for process in picture.processes:
        if not is_well(process):
            yield _of_process(process, picture.data_dir)
    if picture.warning:
        yield picture.warning
    if picture.scheduler is not None:
        yield from _of_list(picture.scheduler.list)


def _of_process(process: Process, data_dir: Path) -> str:
    name = process.name
    log = data_dir / f"{name if name in SHAPES else 'fetchers'}.log"
    without = _WITHOUT.get(name, "the others do its work")
    match process.state:
        case "absent":
            return f"{name} is not running: {without}. If it stays away, see {log}."
        case "silent":
            return f"{name} does not answer: {without}. If that lasts, see {log} and kill -9 it."
        case "starting":
            return f"{name} is starting. If that lasts, see {log}."
        case "draining":
            return f"{name} is finishing what is in flight, and then ends."
        case "blocked" if what := _BLOCKED.get(name):
            return f"{what} not reach the disk: make room in {data_dir}, then it goes on by itself."
        case state:
            return f"{name} is {state}: see {log}."


def _of_list(state: ListState) -> Iterator[str]:
    if state.problem:
        yield f"{state.problem}: the list before is kept."
    if state.mistakes:
        yield f"Entries of the list are left out: {state.mistakes}. {state.explained_by} says why."
