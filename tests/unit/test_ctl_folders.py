"""Folders that could not be used, before anything is started."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from pagestatus.config import Config, Downloads
from pagestatus.ctl.folders import open_to_all, unusable
from pagestatus.quoting import quoted


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(data_dir=tmp_path / "new" / "var", run_dir=tmp_path / "run")


def test_what_is_not_there_yet_can_be_made(config: Config) -> None:
    assert list(unusable(config)) == []


def test_a_file_in_the_way(config: Config, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    config = msgspec.structs.replace(
        config, data_dir=file / "var", downloads=Downloads(dir=file), run_dir=file
    )
    assert list(unusable(config)) == [
        f"data_dir: '{file / 'var'}': Not a directory, expected a folder",
        f"downloads.dir: '{file}': '{file}' is no folder, expected a folder",
        f"run_dir: '{file}': expected a folder",
    ]


def test_folders_in_which_anybody_can_write_are_told(config: Config, tmp_path: Path) -> None:
    assert list(open_to_all(config)) == [], "what is not there yet is made as it should be"
    config.data_dir.mkdir(mode=0o755, parents=True)
    assert list(open_to_all(config)) == []
    files = tmp_path / "files"
    files.mkdir()
    files.chmod(0o777)
    config = msgspec.structs.replace(config, downloads=Downloads(dir=files))
    assert list(open_to_all(config)) == [
        f"downloads.dir: {quoted(str(files))}: any user can write there; chmod o-w keeps them out"
    ]


def test_a_run_dir_that_is_too_long(config: Config, tmp_path: Path) -> None:
    run_dir = tmp_path / ("x" * 100)
    (found,) = unusable(msgspec.structs.replace(config, run_dir=run_dir))
    assert found.startswith("run_dir: '/")
    assert found.endswith(" bytes too long for the sockets in it")
