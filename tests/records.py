"""Records for tests of the aggregator: a plain one of each kind, with what a test wants to be different."""

from __future__ import annotations

from typing import Any

from pagestatus.messages import Missed, Reason, Result, Sweep

# 2026-01-31T12:00:00Z, a whole minute.
NOON = 1_769_860_800_000_000
SECOND = 1_000_000
MINUTE = 60 * SECOND


def result(target: int = 1, due_us: int = NOON, attempt: int = 1, **different: Any) -> Result:  # noqa: ANN401
    """A good attempt that started a millisecond late and took 20."""
    fields: dict[str, Any] = {
        "retry_by_us": due_us + 30 * SECOND,
        "first_started_us": 0,
        "url": f"http://127.0.0.1/{target}",
        "name": "",
        "expect": (),
        "epoch": 7,
        "fetcher": 1,
        "started_us": due_us + 1000,
        "duration_us": 20_000,
        "reason": Reason.NONE,
        "status": 200,
        "bytes": 512,
        "dns_us": -1,
        "connect_us": 300,
        "tls_us": -1,
        "ttfb_us": 19_000,
        "ip": "127.0.0.1",
        "http": "1.1",
    }
    return Result(target, due_us, attempt, **(fields | different))


def timeout(target: int = 1, due_us: int = NOON, attempt: int = 1, **different: Any) -> Result:  # noqa: ANN401
    """A transient failure that may be tried again."""
    nothing = {"status": 0, "bytes": -1, "ttfb_us": -1, "http": ""}
    return result(target, due_us, attempt, **({"reason": Reason.TIMEOUT} | nothing | different))


def missed(target: int = 1, due_us: int = NOON, **different: Any) -> Missed:  # noqa: ANN401
    """One slot that was passed over."""
    fields: dict[str, Any] = {
        "count": 1,
        "interval_us": SECOND,
        "reason": Reason.OVERRUN,
        "url": f"http://127.0.0.1/{target}",
    }
    return Missed(target, due_us, **(fields | different))


def sweep(swept_us: int, settled_us: int | None = None, **different: Any) -> Sweep:  # noqa: ANN401
    """Everything up to ``swept_us`` was given out, and settled up to ``settled_us``, else as far."""
    fields: dict[str, Any] = {"epoch": 1, "settled_us": swept_us if settled_us is None else settled_us}
    return Sweep(swept_us=swept_us, **(fields | different))
