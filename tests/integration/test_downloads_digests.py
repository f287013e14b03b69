"""What a file hashes to: what the server says, and what was asked for. What is wrong is not offered."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterator

import pytest

from bridge_client import BridgeClient
from downloads import CONTENT, OTHER_CONTENT, arrived, downloading, fetched, trouble_of
from page_site import Asked, Page, PageSite, honest, part_of
from range_site import answer
from system import System, eventually


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with downloading(tmp_path_factory.mktemp("digests")) as system:
        yield system


def nothing_is_left(system: System, pattern: str) -> None:
    """What was wrong is removed, also the part of it; that may take a moment longer than to say so."""
    eventually(lambda: not list(system.downloads_dir.glob(pattern)), f"no {pattern} is left")


def digest_of(name: str, content: bytes) -> str:
    return b64encode(hashlib.new(name, content).digest()).decode()


def said_digests(content: bytes) -> dict[str, str]:
    """The ways in which a server can say what a whole file hashes to."""
    return {
        "repr-digest": f"Repr-Digest: sha-256=:{digest_of('sha256', content)}:",
        "strongest": f"Repr-Digest: sha-256=:{digest_of('sha256', CONTENT)}:, "
        f"sha-512=:{digest_of('sha512', content)}:",
        "digest": f"Digest: SHA-256={digest_of('sha256', content)}",
        "md5": f"Digest: md5={digest_of('md5', content)}",
    }


@pytest.mark.parametrize("way", said_digests(CONTENT))
def test_a_digest_that_the_server_says(
    pages: PageSite, client: BridgeClient, system: System, way: str
) -> None:
    assert arrived(fetched(client, pages.add(honest(CONTENT, said_digests(CONTENT)[way])))) == CONTENT
    wrong = said_digests(OTHER_CONTENT)[way]
    told = fetched(client, pages.add(honest(CONTENT, wrong), f"/wrong-{way}"))
    assert trouble_of(told) == "digest"
    nothing_is_left(system, f"wrong-{way}*")


def test_content_md5_is_of_what_is_sent(pages: PageSite, client: BridgeClient, system: System) -> None:
    """Of a range it says nothing of the file; of a whole it does."""

    def page(asked: Asked) -> list[bytes]:
        part = CONTENT[slice(*asked.span)] if asked.span else CONTENT
        return [part_of(CONTENT, asked, f"Content-MD5: {digest_of('md5', part)}")]

    def whole(content: bytes) -> Page:
        return lambda _asked: [answer(200, CONTENT, f"Content-MD5: {digest_of('md5', content)}")]

    told = fetched(client, pages.add(page))
    assert (arrived(told), told["ranges"]) == (CONTENT, True)
    assert arrived(fetched(client, pages.add(whole(CONTENT)))) == CONTENT
    assert trouble_of(fetched(client, pages.add(whole(OTHER_CONTENT), "/wrong-content-md5"))) == "digest"
    nothing_is_left(system, "wrong-content-md5*")


def test_a_digest_that_was_asked_for(pages: PageSite, client: BridgeClient, system: System) -> None:
    right, wrong = (hashlib.sha256(content).hexdigest() for content in (CONTENT, OTHER_CONTENT))
    assert arrived(fetched(client, pages.add(honest(CONTENT)), sha256=right.upper())) == CONTENT
    url = pages.add(honest(CONTENT), "/wrong-sha256")
    told = fetched(client, url, sha256=wrong)
    assert trouble_of(told) == "digest"
    assert (right in told["error"]["message"], wrong in told["error"]["message"]) == (True, True)
    nothing_is_left(system, "wrong-sha256*")
    # The server's word does not stand in for it.
    said = said_digests(CONTENT)["repr-digest"]
    assert trouble_of(fetched(client, pages.add(honest(CONTENT, said)), sha256=wrong)) == "digest"


def test_what_was_wrong_is_fetched_anew(pages: PageSite, client: BridgeClient) -> None:
    """In answer to a retry: the bytes of before, a question and ten ranges, are not trusted."""
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    url = pages.add(lambda asked: [part_of(OTHER_CONTENT if asked.number <= 11 else CONTENT, asked)])
    id_ = client.add(url, sha256=sha256)
    assert trouble_of(client.until(id_, "Downloaded", "Failed")) == "digest"
    client.act("retry", id_)
    assert arrived(client.until(id_, "Downloaded")) == CONTENT
