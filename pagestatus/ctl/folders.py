"""Folders of the configuration that could not be used, or that others can write into: seen before a start."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from pagestatus.addresses import Addresses
from pagestatus.config import Config
from pagestatus.quoting import quoted


def unusable(config: Config) -> Iterator[str]:
    """One line for each folder that is none, or can not be made. Whose they are is for who starts to see."""
    for key, folder in _folders(config):
        if why := _why_not(folder):
            yield f"{key}: {quoted(str(folder))}: {why}, expected a folder"
    if config.run_dir.exists() and not config.run_dir.is_dir():
        yield f"run_dir: {quoted(str(config.run_dir))}: expected a folder"
    if over := Addresses(config.run_dir).bytes_too_long:
        yield f"run_dir: {quoted(str(config.run_dir))}: {over} bytes too long for the sockets in it"


def open_to_all(config: Config) -> Iterator[str]:
    """One line for each folder in which any user of the machine can put files, or replace ours."""
    for key, folder in _folders(config):
        try:
            mode = folder.stat().st_mode
        except OSError:
            # It is not there yet, or is not usable at all.
            continue
        if mode & stat.S_IWOTH:
            yield f"{key}: {quoted(str(folder))}: any user can write there; chmod o-w keeps them out"


def _folders(config: Config) -> Iterator[tuple[str, Path]]:
    yield "data_dir", config.data_dir
    yield "downloads.dir", config.downloads.folder(config.data_dir)


def _why_not(folder: Path) -> str:
    for path in (folder, *folder.parents):
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            # It can be made where the one that it will be in is a folder.
            continue
        except OSError as mistake:
            return mistake.strerror or str(mistake)
        return "" if stat.S_ISDIR(mode) else f"{quoted(str(path))} is no folder"
    return ""
