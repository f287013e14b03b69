"""Reading the list again: what the thread that reads it dies of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from pagestatus.config import Config
from pagestatus.loop import Loop
from scheduler.catalog import Catalog
from scheduler.lists import Lists
from scheduler.planner import Planner, Policy


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


@pytest.mark.parametrize("bug", [MemoryError(), ZeroDivisionError("a bug")])
def test_a_reload_that_dies_of_a_bug_is_no_success(
    tmp_path: Path, loop: Loop, monkeypatch: pytest.MonkeyPatch, bug: Exception
) -> None:
    urls = tmp_path / "urls.json"
    urls.write_text('[{"url": "http://127.0.0.1/", "interval": 1}]', encoding="utf-8")
    lists = Lists(Config(urls=urls, data_dir=tmp_path))
    catalog, _former = lists.begin()
    planner = Planner(catalog, Policy(1, 4, 0), 0, Random(1))  # noqa: S311
    lists.take_effect(catalog, 1, ())

    def dies() -> Catalog:
        raise bug

    monkeypatch.setattr(lists, "read", dies)
    lists.begin_reload(loop, planner)
    assert lists._reading is not None
    lists._reading.join()
    with pytest.raises(type(bug)):
        lists.adopt_reload(planner)
    assert lists.state()["generation"] == 0
