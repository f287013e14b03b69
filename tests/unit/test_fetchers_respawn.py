"""When a fetcher that ended is started again."""

from __future__ import annotations

from fetchers.respawn import FIRST_WAIT_S, LONG_ENOUGH_S, LONGEST_WAIT_S, Respawn


def test_one_that_lived_is_replaced_at_once() -> None:
    respawn = Respawn()
    assert [respawn.wait_s(lived_s=LONG_ENOUGH_S, expected=False) for _ in range(3)] == [0, 0, 0]


def test_one_accident_costs_nothing() -> None:
    assert Respawn().wait_s(lived_s=0.1, expected=False) == 0


def test_one_that_ends_again_and_again_waits_longer_and_longer() -> None:
    respawn = Respawn()
    waits = [respawn.wait_s(lived_s=0.1, expected=False) for _ in range(12)]
    assert waits[:4] == [0, FIRST_WAIT_S, 2 * FIRST_WAIT_S, 4 * FIRST_WAIT_S]
    assert waits[-1] == LONGEST_WAIT_S
    assert waits == sorted(waits)


def test_a_long_life_makes_up_for_short_ones() -> None:
    respawn = Respawn()
    for _ in range(5):
        respawn.wait_s(lived_s=0.1, expected=False)
    respawn.wait_s(lived_s=LONG_ENOUGH_S, expected=False)
    assert respawn.wait_s(lived_s=0.1, expected=False) == 0


def test_one_that_was_asked_to_end_has_not_failed() -> None:
    respawn = Respawn()
    assert [respawn.wait_s(lived_s=0.1, expected=True) for _ in range(3)] == [0, 0, 0]
