"""Since when a target is on the list: what the next scheduler knows of it."""

from __future__ import annotations

import errno
import logging
import os
import stat
from pathlib import Path

import pytest

from pagestatus.targets import Target
from scheduler.catalog import FRESH, Catalog
from scheduler.following import Following
from scheduler.listed import Listed

SECOND = 1_000_000
T1, T2 = 1_000 * SECOND, 2_000 * SECOND


def catalog_of(*targets: tuple[int, int]) -> Catalog:
    """Targets as (id, interval in seconds)."""
    return Catalog([Target(id_, f"http://host/{id_}", s * SECOND) for id_, s in targets], SECOND, 2)


def since(catalog: Catalog) -> dict[int, int]:
    return dict(zip(catalog.ids, catalog.listed_us, strict=True))


def in_force(path: Path, catalog: Catalog, at_us: int) -> None:
    """A scheduler begins with ``catalog``."""
    listed = Listed(path)
    listed.restore(catalog)
    catalog.list_since(catalog.fresh(), at_us)
    listed.prepare(catalog)
    listed.take_effect(at_us)


def reloaded(path: Path, old: Catalog, catalog: Catalog, at_us: int) -> None:
    following, listed = Following(catalog, old), Listed(path)
    listed.prepare(catalog)
    following.take_over(at_us)
    listed.take_effect(at_us)


def known(path: Path, *targets: tuple[int, int]) -> dict[int, int]:
    """What a scheduler that begins with ``targets`` knows."""
    catalog = catalog_of(*targets)
    Listed(path).restore(catalog)
    return since(catalog)


def test_without_a_file_all_targets_were_always_there(tmp_path: Path) -> None:
    assert known(tmp_path / "listed.bin", (1, 5), (2, 5)) == {1: 0, 2: 0}


def test_whom_the_list_before_did_not_have_is_fresh_and_so_is_who_has_another_interval(
    tmp_path: Path,
) -> None:
    path = tmp_path / "listed.bin"
    in_force(path, catalog_of((1, 5), (2, 5), (3, 60)), T1)
    assert known(path, (1, 5), (2, 5), (3, 60)) == {1: 0, 2: 0, 3: 0}
    assert known(path, (4, 5), (2, 60), (1, 5)) == {4: FRESH, 2: FRESH, 1: 0}


def test_the_next_start_knows_when_the_one_before_took_its_list_over(tmp_path: Path) -> None:
    path = tmp_path / "listed.bin"
    in_force(path, catalog_of((1, 5)), T1)
    in_force(path, catalog_of((1, 5), (2, 5)), T2)
    assert known(path, (2, 5), (1, 5)) == {1: 0, 2: T2}


def test_a_reload_counts_from_when_it_was_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "listed.bin"
    old, new = catalog_of((1, 5), (2, 5)), catalog_of((1, 5), (2, 60), (3, 1))
    in_force(path, old, T1)
    reloaded(path, old, new, T2)
    assert since(new) == known(path, (1, 5), (2, 60), (3, 1)) == {1: 0, 2: T2, 3: T2}


def test_a_reload_that_was_not_taken_over_counts_for_nothing(tmp_path: Path) -> None:
    path = tmp_path / "listed.bin"
    old, new = catalog_of((1, 5)), catalog_of((1, 5), (2, 5))
    in_force(path, old, T1)
    Following(new, old)
    Listed(path).prepare(new)
    assert known(path, (1, 5), (2, 5)) == {1: 0, 2: FRESH}


@pytest.mark.parametrize("keep", [0, 7, 8, 30, -1, -8])
def test_a_torn_file_says_nothing_in_one_line(
    tmp_path: Path, keep: int, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "listed.bin"
    in_force(path, catalog_of((1, 5), (2, 5)), T1)
    path.write_bytes(path.read_bytes()[:keep])
    with caplog.at_level(logging.WARNING):
        assert known(path, (1, 5), (3, 5)) == {1: 0, 3: 0}
    assert [str(path) in record.message for record in caplog.records] == [True]


def test_where_it_can_not_be_written_the_former_one_goes_too(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "listed.bin"
    old, new = catalog_of((1, 5)), catalog_of((1, 5), (2, 5))
    in_force(path, old, T1)
    # A folder in the way, since this may run as root.
    path.with_suffix(".tmp").mkdir()
    with caplog.at_level(logging.WARNING):
        reloaded(path, old, new, T2)
    assert "Is a directory" in caplog.text
    assert known(path, (1, 5), (2, 5)) == {1: 0, 2: 0}
    # There was a list: whoever finds a broken one waits until it is mended.
    assert Listed(path).exists


def test_what_could_not_be_written_takes_no_room_and_is_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "listed.bin"
    old, new = catalog_of((1, 5)), catalog_of((1, 5), (2, 5))
    in_force(path, old, T1)
    following, listed = Following(new, old), Listed(path)

    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as context:
        context.setattr("scheduler.listed.os.fdatasync", full)
        listed.prepare(new)
    assert [found.name for found in tmp_path.iterdir()] == ["listed.bin"]
    following.take_over(T2)
    listed.take_effect(T2)
    assert path.read_bytes() == b""
    assert listed.is_lost
    listed.prepare(new)
    listed.take_effect(T2)
    assert known(path, (1, 5), (2, 5)) == {1: 0, 2: T2}


def test_it_is_for_its_owner_alone_whoever_left_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "listed.bin"
    path.with_suffix(".tmp").touch(mode=0o644)
    in_force(path, catalog_of((1, 5)), T1)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
