"""What a machine has."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pagestatus.ctl.machine import cores


@pytest.fixture
def own_cgroup(tmp_path: Path) -> Path:
    (tmp_path / "pod" / "container").mkdir(parents=True)
    path = tmp_path / "cgroup"
    path.write_text("0::/pod/container\n", encoding="utf-8")
    return path


def test_a_container_has_what_its_quota_says(own_cgroup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(64)))
    root = own_cgroup.parent
    assert cores(own_cgroup, root) == 64
    (root / "pod" / "container" / "cpu.max").write_text("max 100000\n", encoding="ascii")
    assert cores(own_cgroup, root) == 64
    (root / "pod" / "cpu.max").write_text("250000 100000\n", encoding="ascii")
    assert cores(own_cgroup, root) == 2
    (root / "pod" / "container" / "cpu.max").write_text("50000 100000\n", encoding="ascii")
    assert cores(own_cgroup, root) == 1


def test_without_control_groups_it_has_what_it_may_run_on(tmp_path: Path) -> None:
    assert cores(tmp_path / "none", tmp_path) == len(os.sched_getaffinity(0))
