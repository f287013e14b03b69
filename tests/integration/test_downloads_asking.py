"""Asking the server first: whatever it says of ranges, the file comes as it is, in the way that it allows."""

from __future__ import annotations

import gzip
import http.client
from collections.abc import Iterator
from email.message import Message

import pytest

from bridge_client import BridgeClient
from downloads import (
    CONTENT,
    NEEDS_NGINX,
    RETRIES,
    arrived,
    downloading,
    fetched,
    spans_of,
    trouble_of,
)
from page_site import Asked, Closed, PageSite, always, head_of, honest, part_of
from range_site import answer, partial
from raw_site import redirect
from scripts.nginx import free_port, nginx
from system import System

TEXT = b"one line of a text that packs well\n" * 30_000
SMALL = CONTENT[:1234]
# Each folder has the same files.
CONFIGURATION = """
server {{
    listen 127.0.0.1:{port};
    root {root};
    location / {{ }}
    location /promising/ {{ max_ranges 0; add_header Accept-Ranges bytes; }}
    location /silent/ {{ proxy_pass http://127.0.0.1:{port}/; proxy_hide_header Accept-Ranges; }}
    location /forbidding/ {{ if ($http_range) {{ return 403; }} }}
    location /disallowing/ {{ if ($http_range) {{ return 405; }} }}
    location /unsatisfied/ {{ if ($http_range) {{ return 416; }} }}
    location /chunked/ {{ ssi on; ssi_types *; }}
    location /gzip/ {{ gzip on; gzip_types *; gzip_min_length 1; }}
    location /packed/ {{ gzip_static always; }}
    location /denying/ {{ return 403; }}
}}
"""
FOLDERS = "promising", "forbidding", "disallowing", "unsatisfied", "chunked", "gzip", "packed", "denying"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with downloading(tmp_path_factory.mktemp("asking")) as system:
        yield system


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The nginx of Debian; its URL without a slash at the end."""
    folder = tmp_path_factory.mktemp("nginx")
    root = folder / "root"
    root.mkdir()
    files = {"file.bin": CONTENT, "text.txt": TEXT, "small.bin": SMALL, "empty.bin": b""}
    files["text.txt.gz"] = gzip.compress(TEXT)
    for place in (root, *(root / name for name in FOLDERS)):
        place.mkdir(exist_ok=True)
        for name, content in files.items():
            (place / name).write_bytes(content)
    port = free_port()
    with nginx(folder, CONFIGURATION.format(port=port, root=root)):
        yield f"http://127.0.0.1:{port}"


def asked_by_hand(server: str, path: str, **headers: str) -> tuple[int, Message]:
    """Status and head, to see that the server is as bad as the test believes."""
    connection = http.client.HTTPConnection(server.removeprefix("http://"))
    connection.request(
        "GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    response = connection.getresponse()
    connection.close()
    return response.status, response.headers


class TestRealServers:
    pytestmark = NEEDS_NGINX

    @pytest.mark.parametrize(
        ("path", "said"),
        [
            ("/file.bin", (206, None)),
            ("/silent/file.bin", (206, None)),
            ("/promising/file.bin", (200, "bytes")),
            ("/forbidding/file.bin", (403, None)),
            ("/disallowing/file.bin", (405, None)),
            ("/unsatisfied/file.bin", (416, None)),
            ("/chunked/file.bin", (200, None)),
        ],
    )
    def test_ranges_are_used_if_and_only_if_they_are_honoured(
        self,
        server: str,
        client: BridgeClient,
        path: str,
        said: tuple[int, str | None],
    ) -> None:
        status, head = asked_by_hand(server, path, Range="bytes=0-0")
        assert (status, head["Accept-Ranges"]) == said
        told = fetched(client, server + path)
        assert arrived(told) == CONTENT
        assert told["ranges"] is (said[0] == 206)

    def test_an_empty_file(self, server: str, client: BridgeClient) -> None:
        told = fetched(client, f"{server}/empty.bin")
        assert arrived(told) == b""
        assert told["size"] == 0

    def test_a_file_smaller_than_one_range(self, server: str, client: BridgeClient) -> None:
        told = fetched(client, f"{server}/small.bin")
        assert (arrived(told), told["ranges"]) == (SMALL, True)

    def test_a_server_that_packs_is_asked_not_to(self, server: str, client: BridgeClient) -> None:
        _status, head = asked_by_hand(server, "/gzip/text.txt", Accept_Encoding="gzip")
        assert head["Content-Encoding"] == "gzip"
        assert arrived(fetched(client, f"{server}/gzip/text.txt")) == TEXT

    def test_a_server_that_packs_all_the_same(self, server: str, client: BridgeClient) -> None:
        """What comes is what is there, byte by byte."""
        _status, head = asked_by_hand(server, "/packed/text.txt", Accept_Encoding="identity")
        assert head["Content-Encoding"] == "gzip"
        assert gzip.decompress(arrived(fetched(client, f"{server}/packed/text.txt"))) == TEXT

    def test_a_file_that_is_not_for_us(self, server: str, client: BridgeClient) -> None:
        """Without a range neither; and nobody is asked for another link, since this one never worked."""
        told = fetched(client, f"{server}/denying/file.bin")
        assert trouble_of(told) == "http_status"
        assert told["error"]["message"] == "the server answered 403"


# --- answers to the question that make no sense -------------------------------------------------------------

TOTAL = len(CONTENT)


@pytest.mark.parametrize(
    "said",
    [
        f"Content-Range: bytes 1-1/{TOTAL}",
        f"Content-Range: bytes 0-9/{TOTAL}",
        "Content-Range: bytes 0-0/0",
        "Content-Range: bytes 0-0/*",
        f"Content-Range: bytes 0-0/{1 << 64}",
        f"Content-Range: bytes 0-0/{'9' * 400}",
        f"Content-Range: bytes 0-0/-{TOTAL}",
        f"Content-Range: lines 0-0/{TOTAL}",
        f"Content-Range: bytes 0-0/{TOTAL}\r\nContent-Range: bytes 1-1/{TOTAL}",
        "Content-Type: multipart/byteranges; boundary=x",
        "X-Nothing: said",
    ],
)
def test_a_206_that_makes_no_sense_is_no_promise(pages: PageSite, client: BridgeClient, said: str) -> None:
    def page(asked: Asked) -> list[bytes]:
        return [answer(206, b"x", said) if asked.span else part_of(CONTENT, asked)]

    url = pages.add(page)
    told = fetched(client, url)
    assert (arrived(told), told["ranges"], spans_of(pages.asked(url))) == (CONTENT, False, [])


def test_a_size_that_no_disk_has(pages: PageSite, client: BridgeClient, system: System) -> None:
    """Free space is looked at before a byte is fetched."""
    url = pages.add(always(answer(206, b"x", f"Content-Range: bytes 0-0/{1 << 60}")), "/huge.bin")
    told = fetched(client, url)
    assert trouble_of(told, "Paused") == "disk_full"
    assert told["size"] == 1 << 60
    assert len(pages.asked(url)) == 1
    assert list(system.downloads_dir.glob("huge*")) == []


@pytest.mark.parametrize("length", ["chunked", "closed"])
def test_no_length(pages: PageSite, client: BridgeClient, length: str) -> None:
    def page(_asked: Asked) -> Iterator[bytes]:
        if length == "chunked":
            yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            yield b"%x\r\n%b\r\n0\r\n\r\n" % (TOTAL, CONTENT)
        else:
            yield b"HTTP/1.0 200 OK\r\n\r\n" + CONTENT
            raise Closed

    told = fetched(client, pages.add(page))
    assert (arrived(told), told["ranges"]) == (CONTENT, False)


def test_chunks_that_break_off_are_no_file(pages: PageSite, client: BridgeClient) -> None:
    def page(_asked: Asked) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (TOTAL, CONTENT)
        raise Closed

    url = pages.add(page, "/broken-off.bin")
    assert trouble_of(fetched(client, url)) in {"short", "reset"}
    # The question, the first try and the others.
    assert len(pages.asked(url)) == 2 + RETRIES


@pytest.mark.parametrize(
    "empty", [answer(200, b""), answer(416, b"", "Content-Range: bytes */0")], ids=["200", "416"]
)
def test_a_body_that_is_empty(pages: PageSite, client: BridgeClient, empty: bytes) -> None:
    told = fetched(client, pages.add(always(empty)))
    assert (arrived(told), told["size"]) == (b"", 0)


@pytest.mark.parametrize("status", [400, 412, 501])
def test_a_server_that_takes_the_question_for_a_mistake(
    pages: PageSite, client: BridgeClient, status: int
) -> None:
    url = pages.add(always(answer(status, b"what?"), answer(200, CONTENT)))
    told = fetched(client, url)
    assert (arrived(told), told["ranges"]) == (CONTENT, False)
    assert [asked.span for asked in pages.asked(url)] == [(0, 1), None]


@pytest.mark.parametrize("status", [404, 410, 451])
def test_what_is_not_there(pages: PageSite, client: BridgeClient, status: int) -> None:
    url = pages.add(always(answer(status, b"gone")))
    told = fetched(client, url)
    assert trouble_of(told) == "http_status"
    assert str(status) in told["error"]["message"]
    assert len(pages.asked(url)) == 1


def test_the_question_is_one_byte_as_it_is(pages: PageSite, client: BridgeClient) -> None:
    url = pages.add(honest(CONTENT))
    arrived(fetched(client, url))
    question = pages.asked(url)[0]
    assert (question.headers["range"], question.headers["accept-encoding"]) == ("bytes=0-0", "identity")
    assert {asked.headers["accept-encoding"] for asked in pages.asked(url)} == {"identity"}


# --- redirects ----------------------------------------------------------------------------------------------


def test_through_several_redirects_to_another_host(pages: PageSite, client: BridgeClient) -> None:
    """The ranges go straight to where the last one led; what is for the first host stays there."""
    with PageSite("127.0.0.2") as elsewhere:
        file = elsewhere.add(honest(CONTENT))
        third = elsewhere.add(always(redirect(file, 308)))
        second = pages.add(always(redirect(third, 307)))
        first = pages.add(always(redirect("/" + second.rpartition("/")[2], 301)))
        secrets = {"X-Key": "for the first host", "Cookie": "a=b"}
        told = fetched(client, first.replace("http://", "http://ann:secret@"), headers=secrets)
        assert (arrived(told), told["url"], told["ranges"]) == (CONTENT, first, True)
        for url in (first, second):
            (asked,) = pages.asked(url)
            # "ann:secret" in base 64.
            assert asked.headers["authorization"] == "Basic YW5uOnNlY3JldA=="
            assert (asked.headers["x-key"], asked.headers["cookie"]) == ("for the first host", "a=b")
        assert len(elsewhere.asked(third)) == 1
        assert len(spans_of(elsewhere.asked(file))) >= 10
        for asked in (*elsewhere.asked(third), *elsewhere.asked(file)):
            assert not asked.headers.keys() & {"authorization", "x-key", "cookie"}


def test_redirects_that_never_end(pages: PageSite, client: BridgeClient) -> None:
    url = pages.add(always(redirect("/round")), "/round")
    assert trouble_of(fetched(client, url)) == "redirects"
    assert len(pages.asked(url)) == 11


def test_a_redirect_to_nowhere(pages: PageSite, client: BridgeClient) -> None:
    url = pages.add(always(answer(302, b"go away")))
    assert trouble_of(fetched(client, url)) == "http_status"


def test_the_question_is_answered_with_far_too_much(pages: PageSite, client: BridgeClient) -> None:
    """A head is all that is wanted: the rest of the whole is not waited for."""

    def page(asked: Asked) -> Iterator[bytes]:
        whole = answer(200, CONTENT)
        if asked.number == 1:
            yield head_of(whole)
            raise Closed
        yield whole

    assert arrived(fetched(client, pages.add(page))) == CONTENT


def test_the_last_byte_is_in_a_range_of_its_own(pages: PageSite, client: BridgeClient) -> None:
    content = CONTENT[:100_001]
    url = pages.add(lambda asked: [partial(content, *asked.span or (0, 0))])
    assert arrived(fetched(client, url)) == content
    assert sorted(spans_of(pages.asked(url))) == [(0, 100_000), (100_000, 100_001)]
