"""The umask that supervisord has with our plugin; what it starts then: ``security/test_modes.py``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from pagestatus.umask import keep


@pytest.fixture(autouse=True)
def our_own() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.parametrize(
    ("operators", "its_own", "kept"),
    [
        (0o077, 0o022, 0o077),
        (0o027, 0o022, 0o027),
        (0o002, 0o022, 0o022),
        (0o000, 0o022, 0o022),
        (0o022, 0o077, 0o077),
    ],
    ids=oct,
)
def test_the_stricter_one_is_kept_here_and_in_the_background(operators: int, its_own: int, kept: int) -> None:
    os.umask(operators)
    options = SimpleNamespace(umask=its_own)
    keep(SimpleNamespace(options=options))
    assert (options.umask, os.umask(0o022)) == (kept, kept)
