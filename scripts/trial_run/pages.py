"""nginx with thousands of pages: real files of this machine, on many loopback addresses."""

from __future__ import annotations

import os
import shutil
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.nginx import NotEnough, free_port, nginx

ADDRESSES = [f"127.80.{n // 200}.{1 + n % 200}" for n in range(250)]
PAGES = 2200
LARGEST_PAGE = 1 << 20
SOURCES = (Path("/usr/share/doc"), Path("/usr/include"), Path(sysconfig.get_path("stdlib")))

_HTTP = """
    types {{ text/html html; text/plain txt h py; }}
    gzip on;
    gzip_types text/plain;
    server {{
        {listen}
        root pages;
    }}
"""


def copy_pages(folder: Path) -> list[str]:
    """Copy ``PAGES`` real files into ``folder``; their paths as URLs have them. Raises ``NotEnough``."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    names = []
    for number, source in zip(range(PAGES), _files(), strict=False):
        name = f"{number:04d}{source.suffix}"
        shutil.copyfile(source, folder / name)
        names.append(f"/{name}")
    if len(names) < PAGES:
        raise NotEnough(f"only {len(names)} files to serve, {PAGES} are needed")
    return names


def _files() -> Iterator[Path]:
    for source in SOURCES:
        for path in sorted(source.rglob("*")):
            # No link, whose target might be anywhere, and no name that a URL would have to escape.
            kind = path.suffix[1:]
            if path.is_symlink() or not path.is_file() or not (kind.isascii() and kind.isalnum()):
                continue
            if 0 < path.stat().st_size <= LARGEST_PAGE and os.access(path, os.R_OK):
                yield path


@contextmanager
def serving(folder: Path) -> Iterator[int]:
    """Serve ``folder/pages`` at every address, and give the port; raises ``NotEnough``."""
    port = free_port(ADDRESSES[0])
    listen = "\n        ".join(f"listen {address}:{port};" for address in ADDRESSES)
    with nginx(folder, _HTTP.format(listen=listen)):
        yield port
