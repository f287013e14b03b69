"""Which headers may come with a request, and that none of them holds another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pagestatus.headers import BadHeader, is_ours, line_of, of_client


@pytest.mark.parametrize(
    "name",
    [
        "Host", "hOST", "Range", "Request-Range", "If-Range", "If-None-Match", "If-Modified-Since",
        "Accept-Encoding", "Content-Length", "Content-Encoding", "Content-X", "Transfer-Encoding",
        "Connection", "Keep-Alive", "TE", "Trailer", "Upgrade", "HTTP2-Settings", "Expect",
        "Proxy-Authorization", "Proxy-Connection", "X-HTTP-Method-Override", "X-Method-Override",
        "X-HTTP-Method",
    ],
)  # fmt: skip
def test_headers_that_are_ours(name: str) -> None:
    assert is_ours(name)
    with pytest.raises(BadHeader, match=f"^'{name}': this one is not for clients to set$"):
        of_client({name: "x"})


@pytest.mark.parametrize("name", ["Cookie", "Authorization", "User-Agent", "Accept", "Hosts", "Tea", "Ifs"])
def test_headers_that_are_not(name: str) -> None:
    assert not is_ours(name)
    assert of_client({name: "x"}) == ((name, "x"),)


@pytest.mark.parametrize(
    "name", ["", " ", "A:", ":path", "A b", "A ", "A\r\nB", "A\n", "Ä", "A\0", "(A)", "A: secret"]
)
def test_names_that_no_header_has(name: str) -> None:
    for check in (lambda: line_of(name, "x"), lambda: of_client({name: "x"})):
        with pytest.raises(BadHeader, match=r"^expected names of headers, got one that is none$"):
            check()


@pytest.mark.parametrize(
    "value", ["", " ", " a", "a ", "a\r\nB: c", "a\n", "\na", "a\rb", "a\0b", "a\x7f", "a\x85", "€", "a\tb\t"]
)
def test_values_that_no_header_has(value: str) -> None:
    for check in (lambda: line_of("A", value), lambda: of_client({"A": value})):
        with pytest.raises(BadHeader, match=r"^'A': expected printable letters of Latin-1 for its value$"):
            check()


def test_letters_are_bytes_on_the_wire() -> None:
    assert line_of("X-Key", "é\tz") == b"X-Key: \xe9\tz"
    # Of whoever wants UTF-8 there.
    assert line_of("X-Key", "é".encode().decode("latin-1")) == "X-Key: é".encode()


@pytest.mark.parametrize("names", ["aA", "Aa"])
def test_a_name_twice(names: str) -> None:
    with pytest.raises(BadHeader, match=f"^'{names[1]}': expected each name once$"):
        of_client(dict.fromkeys(names, "x"))


def test_there_is_room_for_so_much() -> None:
    for headers in ({"A": "b" * 8191}, {"A": "b" * 4095, "B": "c" * 4095}):
        assert of_client(headers) == tuple(headers.items())
    for headers in ({"A": "b" * 8192}, {"A": "b" * 4095, "B": "c" * 4096}):
        with pytest.raises(BadHeader, match=r"^expected at most 8192 bytes in all$"):
            of_client(headers)


@given(st.text(), st.text(max_size=5))
def test_no_header_can_hold_another(name: str, value: str) -> None:
    try:
        line = line_of(name, value)
    except BadHeader:
        return
    assert line.splitlines() == [line]
    assert line.decode("latin-1") == f"{name}: {value}"
    assert line.partition(b":")[0].decode() == name
