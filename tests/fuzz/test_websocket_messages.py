"""What websocket clients say: whatever it is, it is a request that can be carried out, or one clear line."""

from __future__ import annotations

import json

from hypothesis import example, given
from hypothesis import strategies as st

from fuzzing import JSON, TEXT, fuzzed, is_one_line, mutated, outcome
from pagestatus.headers import is_ours, line_of
from pagestatus.urls import wire_url
from wsbridge.names import clean
from wsbridge.replies import mistake as said_of
from wsbridge.requests import Add, Mistake, SetUrl, parse

HASH = "0" * 64
MESSAGES = [
    json.dumps(message).encode()
    for message in (
        {"url": "https://user:pa%2Fss@example.com/big.iso?a=b", "sha256": HASH, "filename": "a.iso"},
        {"url": "http://[::1]:80/", "threads": 8, "headers": {"Cookie": "a=b", "X-A": "ü"}},
        {"action": "pause", "id": "3f9c"},
        {"action": "set_url", "id": "3f9c", "url": "http://user@example.com/"},
        {"action": "list"},
        {"token": "secret"},
    )
]
URLS = TEXT | st.builds("{}://{}:{}@{}/{}".format, st.sampled_from(["http", "https", "file"]), *[TEXT] * 4)
REQUESTS = st.fixed_dictionaries(
    {},
    optional={
        "url": URLS | JSON,
        "sha256": TEXT | st.just(HASH),
        "filename": TEXT,
        "threads": st.integers() | JSON,
        "headers": st.dictionaries(TEXT, TEXT, max_size=3) | JSON,
        "action": st.sampled_from(["pause", "resume", "cancel", "remove", "retry", "set_url", "list"]) | JSON,
        "id": TEXT,
        "token": TEXT,
        "command": TEXT,
    },
)


def seen_to_be_right(message: str | bytes) -> None:
    """Parse it, and hold what comes of it against what the bridge relies on."""
    request = outcome(lambda: parse(message), Mistake)
    if isinstance(request, Mistake):
        assert is_one_line(request.message), request.message
        assert json.loads(said_of(request)) == {"error": {"code": request.code, "message": request.message}}
        return
    assert is_one_line(repr(request))
    if isinstance(request, Add | SetUrl):
        assert "@" not in wire_url(request.url).url.split("/")[2]
        assert "\n" not in request.credentials
    if isinstance(request, Add):
        assert not request.filename or clean(request.filename)
        assert 0 <= request.threads <= 256
        assert request.sha256 in {"", request.sha256.lower()[:64]}
        for name, value in request.headers:
            assert not is_ours(name)
            assert line_of(name, value).count(b"\n") == 0


@fuzzed
@given(st.binary(max_size=200) | mutated(MESSAGES))
@example(b"[" * 60_000)
@example(b'{"url": ' * 8_000)
@example(b'{"url": "' + b"http://a@" * 7_000 + b'"}')
@example(b'{"threads": ' + b"9" * 60_000 + b', "url": "http://a/"}')
def test_any_bytes(message: bytes) -> None:
    seen_to_be_right(message)
    seen_to_be_right(message.decode("utf-8", "replace"))


@fuzzed
@given(JSON | REQUESTS)
def test_any_json(message: object) -> None:
    seen_to_be_right(json.dumps(message))
