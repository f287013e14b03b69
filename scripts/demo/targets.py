"""The demo's list: about thirty targets, with intervals of 2 to 10 seconds."""

from __future__ import annotations

Target = dict[str, object]


def targets(port: int, closed_port: int) -> list[Target]:
    """The list for a site at ``port``; nobody listens at ``closed_port``."""
    site = f"http://127.0.0.1:{port}"
    listed: list[Target] = [
        {"url": f"{site}/fast/{number}", "interval": 2 + number % 4} for number in range(1, 11)
    ]
    listed += [
        _named(f"{site}/", 2, "front page"),
        _named(f"{site}/slow", 5, "slow"),
        _named(f"{site}/slow", 8, "slow, and too slow for its timeout", timeout=1, retries=1),
        _named(f"{site}/hanging", 6, "hanging", timeout=2, retries=0),
        _named(f"{site}/hanging", 10, "hanging, asked twice", timeout=3, retries=1),
        _named(f"{site}/failing", 4, "failing", timeout=1),
        _named(f"{site}/failing", 10, "failing, and meant to", expect=[500]),
        _named(f"{site}/flaky", 5, "flaky", timeout=1),
        _named(f"{site}/flaky", 7, "flaky, no second attempt", retries=0),
        _named(f"{site}/busy", 3, "busy"),
        _named(f"{site}/resetting", 6, "resetting"),
        _named(f"{site}/truncated", 8, "truncated"),
        _named(f"{site}/redirecting", 4, "redirecting"),
        _named(f"{site}/twice", 6, "redirecting twice"),
        _named(f"{site}/loop", 7, "redirect loop"),
        _named(f"{site}/gone", 3, "gone"),
        _named(f"{site}/no-such-page", 5, "not found"),
        _named(f"{site}/large", 5, "large"),
        _named(f"{site}/compressed", 5, "compressed"),
        _named(f"{site}/big.bin", 10, "larger than allowed", max_bytes=1 << 20),
        _named(f"http://127.0.0.1:{closed_port}/", 6, "refused"),
        _named("http://no-such-name.invalid/", 5, "no such name"),
    ]
    return listed


def _named(url: str, interval: int, name: str, **more: object) -> Target:
    return {"url": url, "interval": interval, "name": name, **more}
