"""Where things are, and which folders are fit for it."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pagestatus.addresses import LONGEST_NAME, LONGEST_SOCKET_PATH, Addresses, BadRunDir
from pagestatus.config import MOST_FETCHERS

ROOT = Path("/run/pagestatus")


def test_the_paths() -> None:
    addresses = Addresses(ROOT)
    assert addresses.scheduler == ROOT / "scheduler.in"
    assert addresses.aggregator == ROOT / "aggregator.in"
    assert addresses.fetcher(3, 0) == ROOT / "fetcher-3-0.in"
    assert addresses.fetcher(3, 36**2 + 35) == ROOT / "fetcher-3-10z.in"
    assert addresses.control("fetcher-3") == ROOT / "fetcher-3.ctl"
    assert addresses.lock("scheduler") == ROOT / "scheduler.lock"


@given(st.integers(1, MOST_FETCHERS), st.integers(0, 2**53), st.integers(0, 2**53))
def test_no_two_incarnations_share_a_path_and_none_is_longer_than_was_reckoned_with(
    index: int, epoch: int, other: int
) -> None:
    path = Addresses(ROOT).fetcher(index, epoch)
    assert len(path.name) <= len(LONGEST_NAME)
    assert (path == Addresses(ROOT).fetcher(index, other)) == (epoch == other)
    assert int(path.stem.rpartition("-")[2], 36) == epoch


def test_an_epoch_of_today_and_of_the_next_thousand_years_fits() -> None:
    in_a_thousand_years_us = time.time_ns() // 1000 + 1000 * 366 * 86_400 * 10**6
    assert len(Addresses(ROOT).fetcher(MOST_FETCHERS, in_a_thousand_years_us).name) <= len(LONGEST_NAME)


def test_the_folder_is_made_with_all_above_it_and_is_ours_alone(tmp_path: Path) -> None:
    run_dir = tmp_path / "a" / "b"
    Addresses(run_dir).prepare()
    assert stat.S_IMODE(run_dir.stat().st_mode) == 0o700


def test_a_folder_that_others_could_enter_is_closed_to_them(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    Addresses(tmp_path).prepare()
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


@pytest.fixture
def long_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the longest name makes a path of exactly as many bytes as there may be."""
    base = tmp_path_factory.getbasetemp()
    room = LONGEST_SOCKET_PATH - len(os.fsencode(base / LONGEST_NAME)) - 1
    return base / ("é" * (room // 2) + "x" * (room % 2))


def test_the_longest_folder_that_fits(long_path: Path) -> None:
    Addresses(long_path).prepare()
    assert long_path.is_dir()


@pytest.mark.parametrize("more", [1, 500])
def test_a_folder_that_is_too_long_says_by_how_much(long_path: Path, more: int) -> None:
    too_long = Path(f"{long_path}{'x' * more}")
    with pytest.raises(BadRunDir) as mistake:
        Addresses(too_long).prepare()
    assert str(mistake.value) == f"{too_long} is {more} bytes too long for the sockets in it"
    assert not too_long.parent.joinpath(too_long.name[:200]).exists()


def test_a_folder_of_somebody_else_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    us = os.geteuid()
    monkeypatch.setattr("os.geteuid", lambda: us + 1)
    with pytest.raises(BadRunDir) as mistake:
        Addresses(tmp_path).prepare()
    assert str(mistake.value) == f"{tmp_path} belongs to user {us}, expected {us + 1}"


def test_a_folder_that_is_for_something_else_is_left_alone(tmp_path: Path) -> None:
    run_dir = tmp_path / "etc"
    run_dir.mkdir(mode=0o755)
    (run_dir / "passwd").touch()
    with pytest.raises(BadRunDir) as mistake:
        Addresses(run_dir).prepare()
    assert str(mistake.value) == f"{run_dir} is not empty and has mode 755, expected a folder for it alone"
    assert run_dir.stat().st_mode & 0o777 == 0o755
    (run_dir / "passwd").unlink()
    Addresses(run_dir).prepare()
    assert run_dir.stat().st_mode & 0o777 == 0o700


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for run_dir, problem in [(file, "not a folder"), (file / "below", "Not a directory")]:
        with pytest.raises(BadRunDir) as mistake:
            Addresses(run_dir).prepare()
        assert str(mistake.value) == f"{run_dir}: {problem}"
