"""What a handshake says of itself: the door lets in who may, and tells others why on one line."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from fuzzing import TEXT, fuzzed, is_one_line, mutated
from pagestatus.config import Websocket
from pagestatus.urls import is_loopback, origin_of, wire_url
from wsbridge.handshake import Door, bearer

LISTED = "https://status.example.com"
DOOR = Door(Websocket(origins=(LISTED,)), None)
HOSTS = [b"localhost:8888", b"127.0.0.1:8888", b"[::1]:8888", b"status.example.com", b"attacker.example"]
ORIGINS = [b"http://localhost:8888", b"https://status.example.com", b"null", b"http://attacker.example:8888"]


def texts(originals: list[bytes]) -> st.SearchStrategy[str]:
    """Nearly right, or anything, as the library reads headers."""
    return mutated(originals).map(lambda raw: raw.decode("latin-1")) | TEXT


@fuzzed
@given(texts(HOSTS), st.none() | texts(ORIGINS))
@example("localhost:8888", "http://localhost:8888")
@example("localhost:8888", LISTED)
def test_who_is_let_in_came_by_our_own_name_from_a_page_that_is_meant(host: str, origin: str | None) -> None:
    said = DOOR.refusal(host, origin)
    if said:
        assert is_one_line(said), said
        return
    ours = wire_url(f"http://{host}/")
    assert is_loopback(ours.host) or ours.host == "status.example.com"
    if origin is not None:
        theirs = origin_of(origin)
        assert theirs == LISTED or wire_url(f"{theirs}/").host == ours.host


@fuzzed
@given(st.none() | texts([b"Bearer secret", b"bearer  s3cr\xc3\xa9t"]), TEXT.filter(bool))
def test_only_who_has_the_whole_token_is_admitted(authorization: str | None, token: str) -> None:
    given_ = bearer(authorization)
    assert Door(Websocket(), token).admits(given_) == (given_ == token)
    assert Door(Websocket(), token).admits(token)
