"""The verdict: tables of reasons, codes and moments. Nothing but the attempt decides."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pagestatus.messages import Class, Outcome, Reason, Result
from pagestatus.verdict import LONGEST_RETRY_AFTER_S, accepted, judge

SECOND = 1_000_000
STARTED = 1_700_000_000 * SECOND
DURATION = SECOND
ENDED = STARTED + DURATION
# There is time for another attempt, or there is not any more; a microsecond decides.
IN_TIME, TOO_LATE, NEVER = ENDED, ENDED - 1, 0

TRANSIENT = [Reason.TIMEOUT, Reason.DNS, Reason.CONNECT, Reason.TLS, Reason.RESET, Reason.PROTOCOL]
PERMANENT = [Reason.NO_SUCH_NAME, Reason.CERTIFICATE, Reason.BAD_URL, Reason.REDIRECTS, Reason.TOO_LARGE]
INTERNAL = [
    Reason.STALLED, Reason.NO_FDS, Reason.NO_PORTS, Reason.NO_ROUTE, Reason.NO_MEMORY, Reason.NAME_SERVER,
    Reason.BUG,
]  # fmt: skip


def attempt(reason: Reason = Reason.NONE, status: int = 0, **fields: object) -> Result:
    """The one attempt of a slot that leaves no time for another, but for these fields."""
    result = Result(
        1, STARTED, 1, NEVER, STARTED, "http://a/", "", (), 7, 1, STARTED, DURATION, reason, status
    )
    return msgspec.structs.replace(result, **fields)


def test_every_reason_of_an_attempt_is_in_a_table_here() -> None:
    measured = {reason for reason in Reason if reason < Reason.OVERRUN}
    assert measured == {*TRANSIENT, *PERMANENT, *INTERNAL, Reason.NONE, Reason.HTTP_STATUS}


@pytest.mark.parametrize("number", [1, 2, 21])
@pytest.mark.parametrize(("retry_by_us", "final"), [(IN_TIME, False), (TOO_LATE, True), (NEVER, True)])
@pytest.mark.parametrize("reason", TRANSIENT, ids=lambda reason: reason.name)
def test_what_may_pass_is_tried_again_while_its_slot_lasts(
    reason: Reason, retry_by_us: int, number: int, *, final: bool
) -> None:
    verdict = judge(attempt(reason, retry_by_us=retry_by_us, attempt=number))
    assert verdict == (Outcome.FAIL, reason, Class.TRANSIENT, final, 0)


@pytest.mark.parametrize("retry_by_us", [IN_TIME, TOO_LATE, NEVER])
@pytest.mark.parametrize("reason", PERMANENT, ids=lambda reason: reason.name)
def test_what_will_not_pass_settles_the_slot_at_once(reason: Reason, retry_by_us: int) -> None:
    verdict = judge(attempt(reason, retry_by_us=retry_by_us))
    assert verdict == (Outcome.FAIL, reason, Class.PERMANENT, True, 0)


@pytest.mark.parametrize(("retry_by_us", "final"), [(IN_TIME, False), (TOO_LATE, True), (NEVER, True)])
@pytest.mark.parametrize("reason", INTERNAL, ids=lambda reason: reason.name)
def test_our_own_trouble_is_never_the_sites_failure(reason: Reason, retry_by_us: int, *, final: bool) -> None:
    # Also beside a status: what a stalled loop has seen of the site is not to be trusted.
    verdict = judge(attempt(reason, 500, retry_by_us=retry_by_us))
    assert verdict == (Outcome.INTERNAL, reason, Class.NONE, final, 0)


# The sentence, the codes, and what they mean.
CODES: list[tuple[str, tuple[int, ...], Outcome, Class]] = [
    ("success", (200, 201, 202, 203, 204, 206, 226, 299), Outcome.OK, Class.NONE),
    (
        "a redirection that was not followed leads nowhere",
        (300, 301, 304, 399),
        Outcome.FAIL,
        Class.PERMANENT,
    ),
    ("no final status came", (0, 100, 199), Outcome.FAIL, Class.PERMANENT),
    ("the request is wrong", (400, 401, 403, 404, 405, 410, 418, 451, 499), Outcome.FAIL, Class.PERMANENT),
    ("the client may repeat the request later", (408, 425, 429), Outcome.FAIL, Class.TRANSIENT),
    ("the server failed", (500, 501, 502, 503, 504, 511, 599), Outcome.FAIL, Class.TRANSIENT),
]


@pytest.mark.parametrize(
    ("status", "outcome", "class_"),
    [(code, outcome, class_) for _why, codes, outcome, class_ in CODES for code in codes],
)
def test_a_status_means(status: int, outcome: Outcome, class_: Class) -> None:
    verdict = judge(attempt(status=status, retry_by_us=IN_TIME))
    assert (verdict.outcome, verdict.class_) == (outcome, class_)
    assert verdict.reason is (Reason.NONE if outcome is Outcome.OK else Reason.HTTP_STATUS)
    assert verdict.final is (class_ is not Class.TRANSIENT)


@pytest.mark.parametrize(
    ("why", "status", "expect", "good"),
    [
        ("without a wish of the target 200-299 are ok", 204, (), True),
        ("200-299 end at 299", 300, (), False),
        ("a target may call a failure ok", 404, (404,), True),
        ("a target may want one of several", 301, (200, 301), True),
        ("whoever names codes means those alone", 200, (404,), False),
    ],
)
def test_what_a_target_accepts(why: str, status: int, expect: tuple[int, ...], *, good: bool) -> None:
    assert accepted(status, expect) is good, why
    assert (judge(attempt(status=status, expect=expect)).outcome is Outcome.OK) is good, why


@pytest.mark.parametrize(
    ("why", "status", "asked_s", "honoured_s"),
    [
        ("too many requests", 429, 30, 30),
        ("out of service", 503, 30, 30),
        ("no more than we would obey", 503, LONGEST_RETRY_AFTER_S, LONGEST_RETRY_AFTER_S),
        ("a year would make us blind", 503, 31_536_000, LONGEST_RETRY_AFTER_S),
        ("more than 64 bits of microseconds hold", 429, 2**63 - 1, LONGEST_RETRY_AFTER_S),
        ("nothing was asked", 503, -1, 0),
        ("now is no wish", 503, 0, 0),
        ("only 429 and 503 may ask for peace", 500, 30, 0),
        ("only 429 and 503 may ask for peace", 404, 30, 0),
        ("only 429 and 503 may ask for peace", 408, 30, 0),
        ("a good answer is a good answer", 200, 30, 0),
    ],
)
def test_retry_after(why: str, status: int, asked_s: int, honoured_s: int) -> None:
    verdict = judge(attempt(status=status, retry_after_s=asked_s, retry_by_us=IN_TIME))
    until_us = ENDED + honoured_s * SECOND if honoured_s else 0
    assert verdict.retry_after_us == until_us, why
    if honoured_s:
        # Trying again inside the slot is what the server does not want.
        assert verdict.final, why


def test_a_code_that_the_target_wants_asks_for_no_peace() -> None:
    assert judge(attempt(status=503, expect=(503,), retry_after_s=30)).retry_after_us == 0


def test_a_reason_below_http_outweighs_what_the_status_said() -> None:
    # The line "200 OK" had come before the connection was reset.
    verdict = judge(attempt(Reason.RESET, 200))
    assert (verdict.outcome, verdict.reason) == (Outcome.FAIL, Reason.RESET)
    assert judge(attempt(Reason.TIMEOUT, 503, retry_after_s=30)).retry_after_us == 0


@given(
    reason=st.sampled_from([*TRANSIENT, *PERMANENT, *INTERNAL, Reason.NONE]),
    status=st.integers(0, 999),
    retry_after_s=st.integers(-1, 2**63 - 1),
    expect=st.lists(st.integers(100, 599), max_size=3).map(tuple),
)
def test_an_attempt_without_a_second_chance_settles_its_slot(
    reason: Reason, status: int, retry_after_s: int, expect: tuple[int, ...]
) -> None:
    result = attempt(reason, status, expect=expect, retry_after_s=retry_after_s)
    verdict = judge(result)
    assert verdict.final
    assert verdict.retry_after_us <= ENDED + LONGEST_RETRY_AFTER_S * SECOND
    # The number of the attempt says nothing: retry_by does.
    assert judge(attempt(reason, status, expect=expect, retry_after_s=retry_after_s, attempt=9)) == verdict
