"""Whatever a stranger writes for a name, a file stands under one safe name in the folder of downloads.

What becomes of each name: ``unit/test_wsbridge_names.py``, ``unit/test_wsbridge_disposition.py``, and any
name at all: ``fuzz/test_answers.py``. Links in the place of files: ``integration/test_downloads_names.py``.
Here: the encodings in which a way out has been smuggled past others, and what somebody with access to the
folder prepares in it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge_client import BridgeClient
from downloads import CONTENT, arrived, fetched, place_of, trouble_of
from page_site import PageSite, always, honest
from raw_site import redirect
from system import System, eventually

UTF8 = "attachment; filename*=UTF-8''"
DISPOSITIONS = [
    # Overlong UTF-8 of "../", which is no UTF-8; doubly encoded; of a path of Windows; fullwidth.
    UTF8 + "%C0%AE%C0%AE%C0%AFoverlong.bin",
    UTF8 + "%252e%252e%252ftwice.bin",
    UTF8 + "%2e%2e%5c%2e%2e%5cbackward.bin",
    UTF8 + "%EF%BC%8E%EF%BC%8E%EF%BC%8Ffullwidth.bin",
    UTF8 + "..%2Fzero%00.bin",
    "attachment; filename*=ISO-8859-1''..%2F..%2Flatin.bin",
    "attachment; filename*=UTF-7''+AC4ALgAv-seven.bin",
    'attachment; filename="..\\\\..\\\\quoted.bin"',
    'attachment; filename="=?UTF-8?B?Li4vLi4vd29yZC5iaW4=?="',
    "attachment; filename=../../token.bin",
    'attachment; filename="C:\\\\Windows\\\\drive.bin"',
    'attachment; filename="\\\\\\\\server\\\\share\\\\unc.bin"',
    'attachment; filename="stream.bin:$DATA"',
    'attachment; filename="/dev/null"',
    'attachment; filename="NUL"',
    'attachment; filename="com1.bin"',
    'attachment; filename="..."',
    'attachment; filename="."',
    'attachment; filename=".ssh/authorized_keys"',
    'attachment; filename="~root"',
    'attachment; filename="-rf"',
    'attachment; filename="$(touch owned).bin"',
    f'attachment; filename="{"a" * 3000}.bin"',
    f'attachment; filename="{"../" * 1000}deep.bin"',
    UTF8 + "%F0%9F%99%82" * 300,
]
# In capitals, as libcurl sends them.
PATHS = [
    "/%2E%2E%2F%2E%2E%2Fu1.bin",
    "/%252E%252E%252Fu2.bin",
    "/%C0%AE%C0%AE%C0%AFu3.bin",
    "/..%5C..%5Cu4.bin",
    "/u5.bin%00.txt",
    "/%3B%2F..%2F%3B",
    "/" + "a" * 3000,
]


@pytest.fixture(autouse=True)
def nothing_else(outside: Path, system: System) -> Iterator[None]:
    """Sees to it that nothing is made outside of the folder, and no folder in it."""

    def others() -> set[Path]:
        return {path for path in outside.rglob("*") if system.downloads_dir not in path.parents}

    eventually((system.data_dir / "listed.bin").exists, "the scheduler has written what it writes")
    before = others()
    yield
    assert others() == before
    inside = [path for path in system.downloads_dir.iterdir() if path.name != ".pagestatus.new"]
    assert all(path.is_file() and not path.is_symlink() for path in inside)


def test_no_header_leads_out(client: BridgeClient, pages: PageSite, system: System) -> None:
    for disposition in DISPOSITIONS:
        header = f"Content-Disposition: {disposition}"
        told = fetched(client, pages.add(honest(CONTENT[:10], header)))
        assert arrived(told) == CONTENT[:10], disposition
        is_in_its_folder(place_of(told), system)


def test_no_url_leads_out(client: BridgeClient, pages: PageSite, system: System) -> None:
    """Neither one that was asked for nor one that a redirect led to."""
    for path in PATHS:
        url = pages.add(honest(CONTENT[:10]), path)
        for asked in (url, pages.add(always(redirect(url)))):
            told = fetched(client, asked)
            assert arrived(told) == CONTENT[:10], path
            is_in_its_folder(place_of(told), system)


def test_no_name_that_is_asked_for_leads_out(client: BridgeClient, pages: PageSite, system: System) -> None:
    for filename in (
        "../../asked.bin",
        "/etc/cron.d/asked",
        "..\\asked.bin",
        "a\x00b",
        "\u202egnp.exe",
        "x" * 1000,
    ):
        told = fetched(client, pages.add(honest(CONTENT[:10])), filename=filename)
        assert arrived(told) == CONTENT[:10], filename
        is_in_its_folder(place_of(told), system)
    for filename in ("..", "/", "\x00", ". . .", "\u202e"):
        answer = client.ask({"url": pages.add(honest(CONTENT)), "filename": filename})
        assert answer["error"]["code"] == "bad_request"


def is_in_its_folder(place: Path, system: System) -> None:
    """It is a file of ours alone, directly in the folder, and nobody may run it."""
    assert place.parent == system.downloads_dir
    found = place.stat(follow_symlinks=False)
    assert (found.st_nlink, found.st_mode & 0o111) == (1, 0)
    assert not place.name.startswith((".", "-"))


@pytest.mark.parametrize("kind", ["link", "hard link"])
def test_a_trap_in_the_place_where_part_files_are_made(
    client: BridgeClient, pages: PageSite, system: System, tmp_path: Path, kind: str
) -> None:
    """Its name is known to everybody."""
    precious, trap = tmp_path / "precious", system.downloads_dir / ".pagestatus.new"
    precious.write_bytes(b"precious")
    if kind == "link":
        trap.symlink_to(precious)
    else:
        trap.hardlink_to(precious)
    assert arrived(fetched(client, pages.add(honest(CONTENT)))) == CONTENT
    assert precious.read_bytes() == b"precious"
    # It was in the way, and is no more: that is the place.
    assert not os.path.lexists(trap)


def test_a_folder_in_the_place_where_part_files_are_made(
    client: BridgeClient, pages: PageSite, system: System
) -> None:
    """It is in the way, and who asked is told so; nothing else happens."""
    trap = system.downloads_dir / ".pagestatus.new"
    trap.mkdir()
    try:
        assert trouble_of(fetched(client, pages.add(honest(CONTENT)))) == "disk"
    finally:
        trap.rmdir()
