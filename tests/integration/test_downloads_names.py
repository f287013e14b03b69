"""Where files go: under a name of one component in the folder of downloads, and never into what is there."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge_client import BridgeClient
from downloads import CONTENT, OTHER_CONTENT, arrived, downloading, fetched, place_of, trouble_of
from page_site import Asked, Page, PageSite, always, honest, part_of
from raw_site import redirect
from system import SLOWNESS, System, eventually

MANY = 60


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is around the folder of downloads."""
    return tmp_path_factory.mktemp("names")


@pytest.fixture(scope="module")
def system(outside: Path) -> Iterator[System]:
    with downloading(outside) as system:
        yield system


@pytest.fixture
def nothing_else(outside: Path, system: System) -> Iterator[None]:
    """Sees to it that whatever a test downloads is in the folder of downloads."""

    def others() -> set[Path]:
        return {path for path in outside.rglob("*") if system.downloads_dir not in path.parents}

    before = others()
    yield
    assert others() == before
    assert list(system.downloads_dir.glob("*.part")) == []
    assert [path for path in system.downloads_dir.iterdir() if path.is_dir()] == []


pytestmark = pytest.mark.usefixtures("nothing_else")


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="plain one.bin"', "plain one.bin"),
        ("attachment; filename*=UTF-8''na%C3%AFve%20%E2%82%AC.bin", "naïve €.bin"),
        ("attachment; filename=\"old.bin\"; filename*=UTF-8''new.bin", "new.bin"),
        ('attachment; filename="../../../traversal.bin"', "traversal.bin"),
        ('attachment; filename="/etc/absolute.bin"', "absolute.bin"),
        ("attachment; filename*=UTF-8''..%2F..%2Fencoded.bin", "encoded.bin"),
        ("attachment; filename*=UTF-8''..%5C..%5Cbackward.bin", "backward.bin"),
        ('attachment; filename=".hidden.bin"', "hidden.bin"),
        ('attachment; filename="not-complete.part"', "not-complete_part"),
        ("attachment; filename*=UTF-8''right%E2%80%AEnib.exe", "rightnib.exe"),
        (f'attachment; filename="{"x" * 300}.bin"', f"{'x' * 236}.bin"),
    ],
)
def test_a_name_that_the_server_gives(
    pages: PageSite, client: BridgeClient, system: System, disposition: str, name: str
) -> None:
    told = fetched(client, pages.add(honest(CONTENT, f"Content-Disposition: {disposition}")))
    assert arrived(told) == CONTENT
    assert place_of(told) == system.downloads_dir / name


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/of/the/url.bin?query=1", "url.bin"),
        # In capitals, as libcurl sends them.
        ("/%2E%2E%2F%2E%2E%2Furl-traversal.bin", "url-traversal.bin"),
        ("/a/..%5C..%5Curl-backward.bin", "url-backward.bin"),
        ("/%67r%C3%BCn.bin", "grün.bin"),
        ("/folder/", "download"),
        ("/..%2F", "download (2)"),
        ("/zero%00byte.bin", "zerobyte.bin"),
    ],
)
def test_a_name_that_the_url_gives(
    pages: PageSite, client: BridgeClient, system: System, path: str, name: str
) -> None:
    told = fetched(client, pages.add(honest(CONTENT), path))
    assert arrived(told) == CONTENT
    assert place_of(told) == system.downloads_dir / name


def test_a_name_that_was_asked_for_beats_the_others(
    pages: PageSite, client: BridgeClient, system: System
) -> None:
    url = pages.add(honest(CONTENT, 'Content-Disposition: attachment; filename="theirs.bin"'))
    told = fetched(client, url, filename="../../ours.bin")
    assert place_of(told) == system.downloads_dir / "ours.bin"


def test_the_url_that_a_redirect_led_to_gives_the_name(
    pages: PageSite, client: BridgeClient, system: System
) -> None:
    url = pages.add(always(redirect(pages.add(honest(CONTENT), "/at-last.bin"))), "/get?file=1")
    assert place_of(fetched(client, url)) == system.downloads_dir / "at-last.bin"


def test_a_name_that_is_taken_gets_a_number(pages: PageSite, client: BridgeClient, system: System) -> None:
    """Also if it is taken by what is no file, or leads elsewhere; what is there stays as it is."""
    taken = system.downloads_dir
    (taken / "taken.bin").write_bytes(b"mine")
    (taken / "taken (2).bin").symlink_to(taken / "nowhere")
    url = pages.add(honest(CONTENT), "/taken.bin")
    told = fetched(client, url)
    assert arrived(told) == CONTENT
    assert place_of(told) == taken / "taken (3).bin"
    assert (taken / "taken.bin").read_bytes() == b"mine"
    assert not (taken / "nowhere").exists()


@pytest.mark.parametrize("link", ["linked.bin", "linked-part.bin.part"])
def test_no_link_is_followed(
    pages: PageSite,
    client: BridgeClient,
    system: System,
    tmp_path: Path,
    link: str,
) -> None:
    target = tmp_path / "precious"
    target.write_bytes(b"precious")
    path = system.downloads_dir / link
    path.symlink_to(target)
    name = link.removesuffix(".part")
    told = fetched(client, pages.add(honest(CONTENT), f"/{name}"))
    path.unlink()
    assert arrived(told) == CONTENT
    assert place_of(told).name == f"{name.removesuffix('.bin')} (2).bin"
    assert target.read_bytes() == b"precious"


def linked(part: Path, target: Path) -> None:
    part.symlink_to(target)


def hard_linked(part: Path, target: Path) -> None:
    part.hardlink_to(target)


def copied(part: Path, target: Path) -> None:
    shutil.copy(target, part)


@pytest.mark.parametrize("exchange", [linked, hard_linked, copied])
def test_a_part_file_that_was_exchanged_is_not_written(
    pages: PageSite,
    client: BridgeClient,
    system: System,
    tmp_path: Path,
    exchange: Callable[[Path, Path], None],
) -> None:
    """By somebody who may write into the folder, while the download is under way."""
    target = tmp_path / "precious"
    target.write_bytes(b"precious")
    is_exchanged = threading.Event()

    def page(asked: Asked) -> Iterator[bytes]:
        if asked.number > 4:
            is_exchanged.wait(10 * SLOWNESS)
        yield part_of(CONTENT, asked)

    name = f"exchanged-{exchange.__name__}.bin"
    url = pages.add(page, f"/{name}")
    id_ = client.add(url, threads=1)
    # While a fetcher has it open, its inode can not become that of another file.
    eventually(lambda: len(pages.asked(url)) > 4, "a range is waited for")
    part = system.downloads_dir / f"{name}.part"
    part.unlink()
    exchange(part, target)
    is_exchanged.set()
    assert trouble_of(client.until(id_, "Failed", "Downloaded")) == "disk"
    assert part.read_bytes() == target.read_bytes() == b"precious"
    part.unlink()


def test_two_at_once_never_share_a_file(pages: PageSite, client: BridgeClient, system: System) -> None:
    both_have_begun = threading.Barrier(2, timeout=10 * SLOWNESS)

    def page(content: bytes) -> Page:
        def answer(asked: Asked) -> Iterator[bytes]:
            if asked.number == 2:
                both_have_begun.wait()
            yield part_of(content, asked)

        return answer

    first = client.add(pages.add(page(CONTENT), "/one/same.bin"))
    second = client.add(pages.add(page(OTHER_CONTENT), "/two/SAME.bin"))
    told = [client.until(id_, "Downloaded", "Failed") for id_ in (first, second)]
    assert [arrived(one) for one in told] == [CONTENT, OTHER_CONTENT]
    # Some file systems do not tell capitals from small letters.
    assert {place_of(one).name.lower() for one in told} == {"same.bin", "same (2).bin"}
    assert all(place_of(one).parent == system.downloads_dir for one in told)


def test_many_at_once_never_share_a_file(pages: PageSite, client: BridgeClient) -> None:
    """All names are chosen before the first file is made."""
    contents = [f"content of number {number}".encode() for number in range(MANY)]
    urls = [pages.add(honest(content), f"/many/{number}/all.bin") for number, content in enumerate(contents)]
    for url in urls:
        client.send({"url": url})
    ids: list[str] = []
    while len(ids) < MANY:
        client.receive()
        ids += [answer["data"]["id"] for answer in client.answers]
        client.answers.clear()
    told = [client.until(id_, "Downloaded", "Failed") for id_ in ids]
    assert [arrived(one) for one in sorted(told, key=lambda one: urls.index(one["url"]))] == contents
    assert len({place_of(one) for one in told}) == MANY
