"""Only http and https, whatever the scheme, however it is spelled, and wherever it stands.

In lists: ``unit/test_urls.py``; of the running bridge: ``integration/test_downloads_safety.py``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fetching import Bench, RangeBench
from pagestatus.messages import Reason
from pagestatus.targets import TargetList
from range_site import ScriptedSite
from raw_site import RawSite, answering, redirect
from wsbridge.requests import Mistake, parse

OTHERS = [
    "file:///etc/passwd", "FILE:///etc/passwd", "fIlE://localhost/etc/passwd", "file:/etc/passwd",
    "file://127.0.0.1/etc/passwd", "ftp://127.0.0.1/x", "ftps://127.0.0.1/x", "sftp://127.0.0.1/etc/passwd",
    "scp://127.0.0.1/etc/passwd", "gopher://127.0.0.1:25/_HELO", "dict://127.0.0.1:11211/stats",
    "ldap://127.0.0.1/", "smb://127.0.0.1/c$", "telnet://127.0.0.1/", "tftp://127.0.0.1/x",
    "imap://127.0.0.1/", "smtp://127.0.0.1/", "rtsp://127.0.0.1/", "ws://127.0.0.1/", "mqtt://127.0.0.1/",
    "data:text/plain,x", "javascript:alert(1)", "jar:http://127.0.0.1/", "view-source:http://127.0.0.1/",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/", "url:file:///etc/passwd",
]  # fmt: skip
# Here a browser or libcurl may see a scheme that a check of its beginning does not see.
BLURRED = ["file:///etc/passwd\t", "\x0bfile:///etc/passwd", "fi\tle:///etc/passwd", "fi%6ce:///etc/passwd"]


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


@pytest.fixture
def ranges(tmp_path: Path) -> Iterator[RangeBench]:
    bench = RangeBench(tmp_path)
    yield bench
    bench.close()


@pytest.mark.parametrize("url", [*OTHERS, *BLURRED])
def test_who_asks_for_another_is_told(tmp_path: Path, url: str) -> None:
    with pytest.raises(Mistake) as mistake:
        parse(json.dumps({"url": url}))
    assert mistake.value.code == "bad_url"
    (tmp_path / "urls.json").write_text(json.dumps([{"url": url, "interval": 1}]), encoding="utf-8")
    targets = TargetList(tmp_path / "urls.json")
    assert (list(targets), len(targets.mistakes)) == ([], 1)


@pytest.mark.parametrize("url", OTHERS)
def test_a_fetcher_does_not_take_it_from_anybody(bench: Bench, ranges: RangeBench, url: str) -> None:
    """Not even from us: what is told by a scheduler or a bridge is looked at again."""
    assert bench.attempt(url).reason is Reason.BAD_URL
    (done,) = ranges.fetch(ranges.task(url, 0, 10))
    assert done.reason is Reason.BAD_URL
    assert ranges.part.read_bytes() == b""


@pytest.mark.parametrize("url", [*OTHERS, *BLURRED])
def test_a_redirect_to_it_is_not_followed(bench: Bench, ranges: RangeBench, url: str) -> None:
    """What is no scheme to libcurl leads to a page of the same site, and so in circles."""
    with RawSite(answering(redirect(url))) as site:
        assert bench.attempt(site.url).reason in {Reason.BAD_URL, Reason.REDIRECTS}
    with ScriptedSite(redirect(url)) as site:
        (done,) = ranges.fetch(ranges.task(site.url, 0, 10))
    assert done.reason in {Reason.BAD_URL, Reason.REDIRECTS}
    assert ranges.part.read_bytes() == b""
