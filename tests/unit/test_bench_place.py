"""What surrounds a measurement: folders, where only what is ours is removed, and trouble, which is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from pagestatus.addresses import Addresses
from scripts.bench_run import asking
from scripts.bench_run.clients import Failed
from scripts.bench_run.moment import VARIABLE, measuring
from scripts.bench_run.place import MARK, Occupied, taken
from scripts.bench_run.profile import make_empty
from scripts.bench_run.steered import Steered
from scripts.bench_run.system import System
from scripts.nginx import NotEnough


def test_what_a_run_left_in_our_folder_is_removed_by_the_next(tmp_path: Path) -> None:
    folder = tmp_path / "bench"
    with taken(folder, ours=folder):
        (folder / "site").mkdir()
        (folder / "site" / "log").touch()
        (folder / "urls.json").touch()
    with taken(folder, ours=folder):
        assert [path.name for path in folder.iterdir()] == [MARK]


def test_what_is_not_marked_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(Occupied, match="is not empty: remove it"), taken(tmp_path, ours=tmp_path):
        pass
    assert (tmp_path / "mine").exists()


def test_what_was_left_in_a_folder_of_the_user_stays(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    with taken(folder):
        (folder / "log").touch()
    with pytest.raises(Occupied, match="is not empty"), taken(folder):
        pass
    assert (folder / "log").exists()


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    with taken(tmp_path, ours=tmp_path):
        (tmp_path / "log").touch()
        with pytest.raises(Occupied, match="in use by another run"), taken(tmp_path, ours=tmp_path):
            pass
        assert (tmp_path / "log").exists()


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_folder_that_can_not_be_made(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Occupied, match="give another"), taken(tmp_path / name):
        pass


def test_only_the_profile_that_was_there_is_removed(tmp_path: Path) -> None:
    names = ("scheduler.svg", "scheduler.raw", "fetcher-1.perf", "functions.txt")
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / "pool.py").touch()
    with pytest.raises(Failed, match=r"pool\.py is no profile"):
        make_empty(tmp_path)
    assert len(list(tmp_path.iterdir())) == len(names) + 1
    (tmp_path / "pool.py").unlink()
    make_empty(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_profiled_part_says_when_it_measures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with measuring():
        pass
    monkeypatch.setenv(VARIABLE, str(tmp_path / "measuring"))
    with measuring():
        assert [path.name for path in tmp_path.iterdir()] == ["measuring"]
    assert not list(tmp_path.iterdir())


def test_what_goes_wrong_while_status_is_asked_for_is_not_lost(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def ask(*_: object) -> None:
        raise FileNotFoundError("the folder is gone")

    monkeypatch.setattr(asking, "_ask", ask)
    system = System(tmp_path, Addresses(tmp_path), "", ())
    with pytest.raises(Failed, match="the folder is gone"), asking.asking(system):
        pass


def test_a_system_that_does_not_obey_lacks_something(tmp_path: Path) -> None:
    steered = Steered(System(tmp_path, Addresses(tmp_path), "", ()))
    with pytest.raises(NotEnough, match="fetchers does not scale"):
        steered.scale(2)
