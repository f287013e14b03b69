"""Quantities as people write them: ``"30s"``, ``"5m"``, ``"4 MiB"``."""

from __future__ import annotations

import re

_SECONDS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_BYTES = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 1 << 10,
    "mib": 1 << 20,
    "gib": 1 << 30,
    "tib": 1 << 40,
}
_QUANTITY = re.compile(r"\s*([0-9]{1,16}(?:\.[0-9]{1,9})?)\s*([A-Za-z]*)\s*", re.ASCII)


def parse_seconds(text: str) -> float:
    """Seconds from ``"30s"``, ``"5m"``, ``"1h"``, ``"250ms"`` or a bare number; raises ValueError."""
    return _parse(text, _SECONDS, 'seconds, such as 30, "30s", "5m" or "1h"')


def parse_bytes(text: str) -> int:
    """Bytes from ``"4 MiB"``, ``"10MB"`` or a bare number; raises ValueError."""
    return int(_parse(text, _BYTES, 'bytes, such as 4194304 or "4 MiB"'))


def _parse(text: str, units: dict[str, float] | dict[str, int], expected: str) -> float:
    match = _QUANTITY.fullmatch(text)
    factor = units.get(match[2].lower()) if match else None
    if match is None or factor is None:
        raise ValueError(f"expected {expected}")
    return (float(match[1]) if "." in match[1] else int(match[1])) * factor
