"""Folders of the configuration that could not be used: seen before anything is started."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from pagestatus.addresses import Addresses
from pagestatus.config import Config
from pagestatus.quoting import quoted


def unusable(config: Config) -> Iterator[str]:
    """One line for each folder that is none, or can not be made. Whose they are is for who starts to see."""
    folders = {
        "data_dir": config.data_dir,
        "downloads.dir": config.downloads.folder(config.data_dir),
    }
    for key, folder in folders.items():
        if why := _why_not(folder):
            yield f"{key}: {quoted(str(folder))}: {why}, expected a folder"
    if config.run_dir.exists() and not config.run_dir.is_dir():
        yield f"run_dir: {quoted(str(config.run_dir))}: expected a folder"
    if over := Addresses(config.run_dir).bytes_too_long:
        yield f"run_dir: {quoted(str(config.run_dir))}: {over} bytes too long for the sockets in it"


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
