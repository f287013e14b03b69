"""URLs as they are given, as they go over the wire, and what is wrong with some."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pagestatus import urls
from pagestatus.urls import LONGEST_URL, BadUrl, is_loopback, origin_of, wire_url


@pytest.mark.parametrize(
    ("url", "wire", "host", "port", "is_address"),
    [
        ("http://example.com/", "http://example.com/", "example.com", 80, False),
        ("http://example.com", "http://example.com/", "example.com", 80, False),
        ("https://example.com/a?b=c#d", "https://example.com/a?b=c", "example.com", 443, False),
        ("https://example.com?b", "https://example.com/?b", "example.com", 443, False),
        ("HTTP://EXAMPLE.com:0080/", "http://example.com/", "example.com", 80, False),
        ("http://example.com:8080/x", "http://example.com:8080/x", "example.com", 8080, False),
        ("http://example.com:/", "http://example.com/", "example.com", 80, False),
        ("http://example.com./", "http://example.com./", "example.com.", 80, False),
        ("http://a_b.example/", "http://a_b.example/", "a_b.example", 80, False),
        ("http://-a-.example/", "http://-a-.example/", "-a-.example", 80, False),
        ("http://127.0.0.1:8/", "http://127.0.0.1:8/", "127.0.0.1", 8, True),
        ("http://127.0.0.1.:8/", "http://127.0.0.1:8/", "127.0.0.1", 8, True),
        ("http://[::1]:8/", "http://[::1]:8/", "::1", 8, True),
        ("http://[2001:DB8:0::1]", "http://[2001:db8::1]/", "2001:db8::1", 80, True),
        ("http://bücher.example/", "http://xn--bcher-kva.example/", "xn--bcher-kva.example", 80, False),
        # UTS #46, non-transitional: sharp s stays; full-width letters and the ideographic stop are mapped.
        ("http://straße.example/", "http://xn--strae-oqa.example/", "xn--strae-oqa.example", 80, False),
        ("http://EXAMPLE。com/", "http://example.com/", "example.com", 80, False),
        # Outside IDNA 2008, and in use.
        ("http://i♥.ws/", "http://xn--i-n3p.ws/", "xn--i-n3p.ws", 80, False),
        ("http://h/ä b?é=ü", "http://h/%C3%A4%20b?%C3%A9=%C3%BC", "h", 80, False),
        ("http://h/%41%zz", "http://h/%41%zz", "h", 80, False),
        ('http://h/"<>\\^`{}', "http://h/%22%3C%3E%5C%5E%60%7B%7D", "h", 80, False),
        ("http://h/a;b=c,d|[e]~!$&'()*+@:", "http://h/a;b=c,d|[e]~!$&'()*+@:", "h", 80, False),
    ],
)
def test_good(url: str, wire: str, host: str, port: int, is_address: bool) -> None:  # noqa: FBT001 - a table
    assert wire_url(url) == (wire, host, port, is_address)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "has no scheme"),
        ("example.com", "has no scheme"),
        ("example.com:80/", "has no scheme"),
        ("localhost:8080/", "has no scheme"),
        ("//example.com/", "has no scheme"),
        ("ftp://example.com/", "scheme 'ftp' is not known"),
        ("file:///etc/passwd", "scheme 'file' is not known"),
        ("http:", "has no host"),
        ("http:/example.com", "has no host"),
        ("http:///path", "has no host"),
        ("http://:80/", "an empty label"),
        ("http://a..b/", "an empty label"),
        ("http://./", "an empty label"),
        ("http://a b/", "is not a label"),
        ("http://ex%41mple/", "is not a label"),
        (f"http://{'a' * 64}.example/", "is not a label"),
        (f"http://{'a.' * 127}example/", "longer than 253"),
        ("http://\u0301.example/", "is not a name"),
        ("http://1.2.3/", "is not an IPv4 address"),
        ("http://256.1.1.1/", "is not an IPv4 address"),
        ("http://0x7f000001/", "is not an IPv4 address"),
        ("http://127.0.0.010/", "is not an IPv4 address"),
        ("http://[::1/", "is not an IPv6 address"),
        ("http://[::1]x/", "is not an IPv6 address"),
        ("http://[1.2.3.4]/", "is not an IPv6 address"),
        ("http://[fe80::1%eth0]/", "names an interface"),
        ("http://h:0/", "the port '0'"),
        ("http://h:65536/", "the port '65536'"),
        ("http://h:x/", "the port 'x'"),
        ("http://h:٣/", "the port"),
        ("http://user@h/", "has a user name"),
        ("http://user:secret@h/", "has a user name"),
        ("http://h/a\nb", "control character at position 10"),
        ("http://h/\x7f", "control character"),
        ("http://h/\ud800", "control character"),
        (" http://h/", "begins or ends with a space"),
        ("http://h/ ", "begins or ends with a space"),
        (f"http://h/{'a' * LONGEST_URL}", "longer than 8192 bytes"),
        (f"http://h/{'ä' * (LONGEST_URL // 2)}", "longer than 8192 bytes"),
    ],
)
def test_bad(url: str, message: str) -> None:
    with pytest.raises(BadUrl) as caught:
        wire_url(url)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_password_is_never_repeated() -> None:
    with pytest.raises(BadUrl) as caught:
        wire_url("http://user:secret@example.com/")
    assert "secret" not in str(caught.value)


def test_the_longest_url() -> None:
    url = "http://h/".ljust(LONGEST_URL, "a")
    assert wire_url(url).url == url


@given(st.text(max_size=40))
def test_anything_is_either_refused_or_ascii_and_stable(rest: str) -> None:
    for url in (rest, f"http://{rest}", f"http://h/{rest}"):
        try:
            wire = wire_url(url)
        except BadUrl:
            continue
        assert wire.url.isascii()
        assert wire.url.isprintable()
        assert " " not in wire.url
        assert wire_url(wire.url) == wire


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("http://a.test/x", "http://a.test:80/y", True),
        ("http://A.test/", "http://a.test/", True),
        ("http://a.test/", "https://a.test/", False),
        ("http://a.test:443/", "https://a.test/", False),
        ("http://a.test/", "http://a.test:81/", False),
        ("http://a.test/", "http://b.test/", False),
        ("http://a.test/", "http://www.a.test/", False),
    ],
)
def test_the_same_origin(one: str, other: str, expected: bool) -> None:  # noqa: FBT001 - a column of the table
    assert (wire_url(one).origin == wire_url(other).origin) is expected


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("http://example.com", "http://example.com"),
        ("HTTPS://Example.COM/", "https://example.com"),
        ("https://example.com:443", "https://example.com"),
        ("http://example.com:443", "http://example.com:443"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:0080", "http://[::1]"),
        ("http://bücher.example", "http://xn--bcher-kva.example"),
        ("moz-extension://0A-b", "moz-extension://0a-b"),
    ],
)
def test_an_origin(text: str, origin: str) -> None:
    assert origin_of(text) == origin
    assert origin_of(origin) == origin


@pytest.mark.parametrize(
    "text",
    [
        "", "*", "null", "example.com", "//example.com", "http:", "http://", "http:///", "http://h/a", "http://h//",
        "http://h?", "http://h#", "http://user:secret@h", "http://h:x", "http://h:0", "http://a b", "http://h\\a",
        "http://h\n", "http://h, http://i", "x://\0", "http://[1.2.3.4]",
    ],
)  # fmt: skip
def test_no_origin(text: str) -> None:
    with pytest.raises(BadUrl) as caught:
        origin_of(text)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("LOCALHOST", True),
        ("127.0.0.1", True),
        ("127.255.255.254", True),
        ("::1", True),
        ("0:0:0:0:0:0:0:1", True),
        ("", False),
        ("0.0.0.0", False),  # noqa: S104 - every interface
        ("::", False),
        ("128.0.0.1", False),
        ("127.1", False),
        ("127.0.0.1.example", False),
        ("localhost.example", False),
        ("192.168.0.1", False),
        ("::2", False),
    ],
)
def test_is_loopback(host: str, loopback: bool) -> None:  # noqa: FBT001 - a table
    assert is_loopback(host) is loopback


def test_what_is_remembered_of_urls_is_bounded() -> None:
    before = urls._kept.cache_info().currsize
    assert wire_url(f"http://a.example/{'x' * 2000}é").url.endswith("%C3%A9")
    assert urls._kept.cache_info().currsize == before


def test_a_label_that_is_too_long_is_not_looked_at_any_closer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its encoding takes time with the square of its length."""

    def fail(label: str) -> None:
        pytest.fail(f"it is looked at: {label}")

    monkeypatch.setattr("idna.check_nfc", fail)
    label = "".join(chr(0x4E00 + number) for number in range(900))
    with pytest.raises(BadUrl, match="is not a label"):
        wire_url(f"http://{label}.example/")
