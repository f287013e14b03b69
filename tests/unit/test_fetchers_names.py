"""Answers that still hold, and names with a fixed meaning."""

from __future__ import annotations

import pytest

from fetchers.names import (
    LONGEST_TTL_S,
    LOOPBACK,
    NO_SUCH_NAME,
    Answer,
    NameCache,
    alternating,
    fixed,
    ttl_of,
)
from pagestatus.messages import Reason

ONE = Answer(("192.0.2.1",))
OTHER = Answer(("192.0.2.2",))


def test_an_answer_holds_for_its_ttl() -> None:
    cache = NameCache()
    cache.put("a.test", ONE, 30, now=100)
    assert cache.get("a.test", now=129.9) == ONE
    assert cache.get("a.test", now=130) is None
    assert len(cache) == 0


def test_a_ttl_of_zero_keeps_nothing_and_forgets_what_was_kept() -> None:
    cache = NameCache()
    cache.put("a.test", ONE, 30, now=0)
    cache.put("a.test", OTHER, 0, now=0)
    assert cache.get("a.test", now=0) is None


def test_a_newer_answer_replaces_an_older_one() -> None:
    cache = NameCache()
    cache.put("a.test", ONE, 30, now=0)
    cache.put("a.test", OTHER, 30, now=10)
    assert cache.get("a.test", now=35) == OTHER


def test_an_absurd_ttl_is_cut() -> None:
    cache = NameCache()
    cache.put("a.test", ONE, 1e9, now=0)
    assert cache.get("a.test", now=LONGEST_TTL_S) is None


def test_it_is_bounded_and_the_oldest_answer_goes_first() -> None:
    cache = NameCache(most=2)
    cache.put("a.test", ONE, 30, now=0)
    cache.put("b.test", ONE, 30, now=0)
    cache.put("a.test", OTHER, 30, now=1)
    cache.put("c.test", ONE, 30, now=1)
    assert len(cache) == 2
    assert cache.get("b.test", now=1) is None
    assert cache.get("a.test", now=1) == OTHER


@pytest.mark.parametrize("name", ["localhost", "localhost.", "a.localhost"])
def test_localhost_is_here(name: str) -> None:
    assert fixed(name) == Answer(LOOPBACK)


@pytest.mark.parametrize("name", ["invalid", "a.invalid", "a.invalid."])
def test_invalid_never_exists(name: str) -> None:
    assert fixed(name) == NO_SUCH_NAME


@pytest.mark.parametrize("name", ["example.com", "notlocalhost", "invalid.example", "localhost.example"])
def test_other_names_have_to_be_asked_for(name: str) -> None:
    assert fixed(name) is None


def test_a_missing_name_is_remembered_longer_than_trouble() -> None:
    assert 5 <= ttl_of(Reason.NO_SUCH_NAME) <= 30
    assert ttl_of(Reason.DNS) < ttl_of(Reason.NO_SUCH_NAME)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], ()),
        (["::1"], ("::1",)),
        (["::1", "::2", "1.1.1.1"], ("::1", "1.1.1.1", "::2")),
        (["1.1.1.1", "2.2.2.2", "::1", "::2", "::3"], ("1.1.1.1", "::1", "2.2.2.2", "::2", "::3")),
        (["1.1.1.1", "1.1.1.1"], ("1.1.1.1",)),
    ],
)
def test_families_take_turns(given: list[str], expected: tuple[str, ...]) -> None:
    assert alternating(given) == expected
