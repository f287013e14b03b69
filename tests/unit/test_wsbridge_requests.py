"""What clients say: what is understood, and for everything else one line that helps and betrays nothing."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pagestatus.urls import LONGEST_URL, BadUrl, wire_url
from wsbridge.requests import (
    LONGEST_CREDENTIALS,
    Act,
    Add,
    ListAll,
    Login,
    Mistake,
    SetUrl,
    act_of,
    add_of,
    parse,
    split_credentials,
)

URL = "https://example.com/big.iso"
SHA = "0123456789abcdef" * 4
SECRET = "hunter2"  # noqa: S105 - the oldest one


def said(**keys: object) -> str:
    return json.dumps(keys)


def mistake(text: str | bytes) -> Mistake:
    with pytest.raises(Mistake) as caught:
        parse(text)
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 300
    assert str(caught.value) == caught.value.message
    return caught.value


# --- what is understood ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        (said(url=URL), Add(URL)),
        (f' {{"url" : "{URL}"}}\n', Add(URL)),
        (said(url="http://h"), Add("http://h")),
        (said(url="http://bücher.example/ä b#c"), Add("http://bücher.example/ä b#c")),
        (said(url="https://user:p%40ss@h/a?b=@"), Add("https://h/a?b=@", "user:p@ss")),
        (said(url=URL, sha256=SHA.upper()), Add(URL, sha256=SHA)),
        (said(url=URL, filename="../a.iso"), Add(URL, filename="../a.iso")),
        (said(url=URL, filename="a" * 1024), Add(URL, filename="a" * 1024)),
        (said(url=URL, threads=1), Add(URL, threads=1)),
        (said(url=URL, threads=256), Add(URL, threads=256)),
        (said(url=URL, headers={}), Add(URL)),
        (
            said(url=URL, headers={"Cookie": "a=b; c", "X-Y": "é\tz"}),
            Add(URL, headers=(("Cookie", "a=b; c"), ("X-Y", "é\tz"))),
        ),
        (said(url=URL, sha256=None, filename=None, threads=None, headers=None), Add(URL)),
        (said(action="pause", id="3f9c"), Act("pause", "3f9c")),
        (said(action="resume", id="3f9c"), Act("resume", "3f9c")),
        (said(action="cancel", id="3f9c"), Act("cancel", "3f9c")),
        (said(action="remove", id="3f9c"), Act("remove", "3f9c")),
        (said(action="retry", id="a" * 64), Act("retry", "a" * 64)),
        (said(action="set_url", id="3f9c", url="http://u:p@h/"), SetUrl("3f9c", "http://h/", "u:p")),
        (said(action="list"), ListAll()),
        (said(token=SECRET), Login(SECRET)),
    ],
)
def test_a_request(text: str, request_: object) -> None:
    found = parse(text)
    assert found == request_
    assert type(found) is type(request_)


def test_a_control_socket_asks_in_the_same_words() -> None:
    params = {"url": "http://u:p@h/", "threads": 3, "headers": {"A": "b"}}
    assert add_of({"command": "download", **params}) == add_of(params) == parse(said(**params))
    assert act_of({"command": "act", "action": "pause", "id": "3f9c"}) == Act("pause", "3f9c")
    assert act_of({"action": "set_url", "id": "3f9c", "url": URL}) == SetUrl("3f9c", URL)
    with pytest.raises(Mistake, match="unknown key"):
        add_of({"command": "download", "url": URL, "treads": 3})
    with pytest.raises(Mistake, match="action: expected one of"):
        act_of({"command": "act", "id": "3f9c"})
    assert mistake(said(url=URL, command="download")).message.startswith("'command': unknown key")


# --- mistakes --------------------------------------------------------------------------------------------

ADD = "expected only url, sha256, filename, threads, headers"
ACTIONS = "action: expected one of pause, resume, cancel, remove, retry, set_url, list"
DIGITS = "expected a SHA-256 of 64 hexadecimal digits"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{"url": "http://h/"}', "expected a text message, got a binary one"),
        ("", "expected JSON: input data was truncated"),
        (URL, "expected JSON: invalid character (byte 0)"),
        ('{"url": "http://h/"', "expected JSON: input data was truncated"),
        ('{"url": "http://h/"}}', "expected JSON: trailing characters (byte 21)"),
        ('{"a": NaN}', "expected JSON: invalid character (byte 6)"),
        ('{"a": 1e999}', "expected JSON: number out of range - at `$[...]`"),
        ("9" * 5000, "expected JSON: integer value out of range"),
        ("[" * 100_000, "expected JSON, got some that is nested too deeply"),
        ('{"a":' * 100_000, "expected JSON, got some that is nested too deeply"),
        ('"\ud800"', "expected JSON, got half a character"),
        ("[]", "expected a JSON object"),
        ("null", "expected a JSON object"),
        (f'"{URL}"', "expected a JSON object"),
        (f'[{{"url": "{URL}"}}]', "expected a JSON object"),
    ],
    ids=count(),
)
def test_no_json(text: str | bytes, message: str) -> None:
    found = mistake(text)
    assert (found.code, found.message) == ("bad_json", message)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({}, "expected an object with url, action or token"),
        ({"sha256": SHA}, "expected an object with url, action or token"),
        ({"url": 3}, "url: expected `str`, got `int`"),
        ({"url": None}, "url: expected `str`, got `null`"),
        ({"url": [URL]}, "url: expected `str`, got `array`"),
        ({"url": URL, "treads": 3}, f"'treads': unknown key, {ADD}"),
        ({"url": URL, "URL": URL}, f"'URL': unknown key, {ADD}"),
        ({"url": URL, "id": "3f9c"}, f"'id': unknown key, {ADD}"),
        ({"url": URL, "credentials": "a:b"}, f"'credentials': unknown key, {ADD}"),
        ({"url": URL, "a" * 99: 1}, f"a key: unknown key, {ADD}"),
        ({"url": URL, "a\nb": 1}, f"a key: unknown key, {ADD}"),
        ({"url": URL, "token": "t"}, "'url': unknown key, expected only token"),
        ({"action": "pause", "id": "3f9c", "url": URL}, "'url': unknown key, expected only action, id"),
        ({"action": "pause", "token": "t"}, "'token': unknown key, expected only action, id"),
        ({"action": "list", "id": "3f9c"}, "'id': unknown key, expected only action"),
        ({"action": "set_url", "id": "3f9c", "url": URL, "sha256": SHA},
         "'sha256': unknown key, expected only action, id, url"),
        ({"action": "stop", "id": "3f9c"}, ACTIONS),
        ({"action": "Pause", "id": "3f9c"}, ACTIONS),
        ({"action": None, "id": "3f9c"}, ACTIONS),
        ({"action": ["pause"], "id": "3f9c"}, ACTIONS),
        ({"action": {}, "url": URL}, ACTIONS),
        ({"action": "pause"}, "id: expected a value"),
        ({"action": "pause", "id": 3}, "id: expected `str`, got `int`"),
        ({"action": "pause", "id": ""}, "id: expected `str` of length >= 1"),
        ({"action": "pause", "id": "a" * 65}, "id: expected `str` of length <= 64"),
        ({"action": "set_url", "id": "3f9c"}, "url: expected a value"),
        ({"action": "set_url", "url": URL}, "id: expected a value"),
        ({"token": 3}, "token: expected `str`, got `int`"),
        ({"token": ""}, "token: expected `str` of length >= 1"),
        ({"token": "t" * 5000}, "token: expected `str` of length <= 4096"),
        ({"url": URL, "sha256": ""}, f"sha256: {DIGITS}"),
        ({"url": URL, "sha256": SHA[1:]}, f"sha256: {DIGITS}"),
        ({"url": URL, "sha256": 3}, "sha256: expected `str`, got `int`"),
        ({"url": URL, "filename": 3}, "filename: expected `str`, got `int`"),
        ({"url": URL, "filename": "a" * 1025}, "filename: expected `str` of length <= 1024"),
        ({"url": URL, "filename": ""}, "filename: expected a name that a file can have"),
        ({"url": URL, "filename": "a/.."}, "filename: expected a name that a file can have"),
        ({"url": URL, "threads": 0}, "threads: expected `int` >= 1"),
        ({"url": URL, "threads": 257}, "threads: expected `int` <= 256"),
        ({"url": URL, "threads": 2**70}, "threads: expected `int` <= 256"),
        ({"url": URL, "threads": "8"}, "threads: expected `int`, got `str`"),
        ({"url": URL, "threads": 8.0}, "threads: expected `int`, got `float`"),
        ({"url": URL, "threads": True}, "threads: expected `int`, got `bool`"),
        ({"url": URL, "headers": []}, "headers: expected `object`, got `array`"),
        ({"url": URL, "headers": {"A": 1}}, "headers[...]: expected `str`, got `int`"),
        ({"url": URL, "headers": {"A": None}}, "headers[...]: expected `str`, got `null`"),
        ({"url": URL, "headers": {f"A{i}": "b" for i in range(33)}},
         "headers: expected `object` of length <= 32"),
        ({"url": URL, "headers": {"A": "b", "a": "c"}}, "headers: 'a': expected each name once"),
        ({"url": URL, "headers": {"A": "b" * 8192}}, "headers: expected at most 8192 bytes in all"),
    ],
    ids=count(),
)  # fmt: skip
def test_a_bad_request(keys: dict[str, Any], message: str) -> None:
    found = mistake(said(**keys))
    assert (found.code, found.message) == ("bad_request", message)


def test_as_many_headers_as_there_may_be() -> None:
    assert len(add_of({"url": URL, "headers": {f"A{i}": "b" for i in range(32)}}).headers) == 32


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("Host", "x", "headers: 'Host': this one is not for clients to set"),
        ("A: b", "x", "headers: expected names of headers, got one that is none"),
        ("A", "b\r\n", "headers: 'A': expected printable letters of Latin-1 for its value"),
    ],
)
def test_a_header_that_can_not_be_sent_along(name: str, value: str, message: str) -> None:
    found = mistake(said(url=URL, headers={name: value}))
    assert (found.code, found.message) == ("bad_request", message)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "url: the URL has no scheme, expected http:// or https://"),
        ("example.com/a", "url: the URL has no scheme, expected http:// or https://"),
        ("file:///etc/passwd", "url: the scheme 'file' is not known, expected http:// or https://"),
        ("ftp://h/a", "url: the scheme 'ftp' is not known, expected http:// or https://"),
        ("ftp://u:hunter2@h/a", "url: the scheme 'ftp' is not known, expected http:// or https://"),
        ("data:,a", "url: the URL has no scheme, expected http:// or https://"),
        ("javascript:alert(1)", "url: the URL has no scheme, expected http:// or https://"),
        ("http://", "url: the URL has no host"),
        ("http://u:p@/", "url: the URL has no host"),
        (" http://h/", "url: the URL begins or ends with a space"),
        ("http://h/\r\nA: b", "url: the URL has a control character at position 9"),
        ("http://u:p@h:99999/", "url: the port '99999' is not a number from 1 to 65535"),
        ("http://h:0/", "url: the port '0' is not a number from 1 to 65535"),
        ("http://h/" + "a" * LONGEST_URL, "url: the URL is longer than 8192 bytes"),
        ("http://a%3Ab:c@h/", "url: the user name has a colon, or it or the password a control character"),
        ("http://a:b%0d%0aX@h/", "url: the user name has a colon, or it or the password a control character"),
        ("http://a:b%00@h/", "url: the user name has a colon, or it or the password a control character"),
        ("http://a:b%ff@h/", "url: the user name or the password is not UTF-8"),
    ],
    ids=count(),
)  # fmt: skip
def test_a_bad_url(url: str, message: str) -> None:
    for text in (said(url=url), said(action="set_url", id="3f9c", url=url)):
        found = mistake(text)
        assert (found.code, found.message) == ("bad_url", message)


# --- credentials -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "without", "credentials"),
    [
        ("http://h/", "http://h/", ""),
        ("http://user:pass@h/", "http://h/", "user:pass"),
        ("HTTPS://user:pass@h:8/a@b?c@d#e@f", "HTTPS://h:8/a@b?c@d#e@f", "user:pass"),
        ("http://user@h", "http://h", "user:"),
        ("http://user:@h", "http://h", "user:"),
        ("http://:pass@h", "http://h", ":pass"),
        ("http://@h", "http://h", ""),
        ("http://:@h", "http://h", ""),
        ("http://u%73er:p%3A%2F%40ss@h/", "http://h/", "user:p:/@ss"),
        ("http://user:pa:ss@h/", "http://h/", "user:pa:ss"),
        ("http://me@example.com:pass@h/", "http://h/", "me@example.com:pass"),
        ("http://user:pässe%C3%A9@h/", "http://h/", "user:pässeé"),
        ("http://u:p@[::1]:8/", "http://[::1]:8/", "u:p"),
        ("http://u:100%@h/", "http://h/", "u:100%"),
        ("http://h/a@b", "http://h/a@b", ""),
        ("http://h?a@b", "http://h?a@b", ""),
        ("http://h#a@b", "http://h#a@b", ""),
        # Browsers take it for a slash, so that what follows is a path.
        ("http://h\\@evil/", "http://h\\@evil/", ""),
        ("user:pass@h", "user:pass@h", ""),
        ("", "", ""),
    ],
)
def test_split_credentials(url: str, without: str, credentials: str) -> None:
    assert split_credentials(url) == (without, credentials)


def test_credentials_have_a_limit() -> None:
    with pytest.raises(BadUrl, match="longer than"):
        split_credentials(f"http://me:{'x' * LONGEST_CREDENTIALS}@host/")


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=20))
def test_no_host_comes_out_of_a_user_name(text: str) -> None:
    """What is left after the split leads where the whole would lead in a browser: behind the last "@"."""
    before = text.translate(dict.fromkeys(map(ord, "/?#\\")))
    try:
        url, credentials = split_credentials(f"http://{before}@h/x")
    except BadUrl:
        return
    assert url == "http://h/x"
    assert wire_url(url).host == "h"
    assert credentials == "" or ":" in credentials


# --- secrets ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        said(url=f"http://user:{SECRET}@h:x/"),
        said(url=f"http://user:{SECRET}/x@h/"),
        said(url=f"http://user:{SECRET}?x@h/"),
        said(url=f"http://user:x/{SECRET}@h/"),
        said(url=f"http://u:x@{SECRET}!/x@h/"),
        said(url=f"http://{SECRET}%3A:x@h/"),
        said(url=f"http://user:{SECRET}%ff@h/"),
        said(url=f"http://user:{SECRET}%0a@h/"),
        said(url=f"user:{SECRET}@h/"),
        said(url=[f"http://user:{SECRET}@h/"]),
        said(url=URL, token=SECRET),
        said(tokn=SECRET),
        said(token=[SECRET]),
        said(token=SECRET * 1000),
        said(token=SECRET, id=SECRET),
        said(url=URL, headers={"Cookie": f"{SECRET}\n"}),
        said(url=URL, headers={"Cookie": [SECRET]}),
        said(url=URL, headers={f"Cookie: {SECRET}": ""}),
        said(url=URL, headers={"Host": SECRET}),
        said(url=URL, headers=SECRET),
        said(url=URL, headers={"A": SECRET, "a": SECRET}),
        said(url=URL, headers={"A": SECRET * 2000}),
        said(**{"url": URL, f"https://h/?token={SECRET}": 1}),
        said(url=URL, threads=SECRET),
        said(url=URL, sha256=SECRET),
        said(action=SECRET),
        f'{{"token": "{SECRET}"',
        f'{{"token": "{SECRET}\\ud800"}}',
        f"{SECRET}",
    ],
)
def test_a_message_betrays_nothing(text: str) -> None:
    assert SECRET not in mistake(text).message


def test_a_request_may_stand_in_a_log() -> None:
    requests = [
        parse(said(url=f"http://user:{SECRET}@h/", headers={"Cookie": SECRET}, threads=3, filename="a")),
        parse(said(action="set_url", id="3f9c", url=f"http://user:{SECRET}@h/")),
        parse(said(token=SECRET)),
    ]
    assert (
        repr(requests) == "[Add('http://h/', filename='a', threads=3), SetUrl('3f9c', 'http://h/'), Login(…)]"
    )


# --- anything --------------------------------------------------------------------------------------------

keys = (
    st.sampled_from(["url", "action", "token", "id", "sha256", "filename", "threads", "headers"]) | st.text()
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.sampled_from([URL, "http://u:p@h/", "pause", "set_url", "list", SHA, "3f9c"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.text() | st.binary() | st.dictionaries(keys, values, max_size=4).map(json.dumps))
def test_whatever_is_said_is_a_request_or_a_mistake_on_one_line(text: str | bytes) -> None:
    try:
        answer: object = parse(text)
    except Mistake as refused:
        answer = refused
    if isinstance(answer, Mistake):
        assert answer.code in {"bad_json", "bad_request", "bad_url"}
        assert answer.message.isprintable()
        assert len(answer.message) < 500
    else:
        assert isinstance(answer, Add | Act | SetUrl | ListAll | Login)
