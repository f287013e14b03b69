"""The scripts that people type: what a wrong argument or a machine without Python gets."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from system import SLOWNESS

SCRIPTS = Path(__file__).parents[2] / "scripts"
TOOLS = ("cat", "dirname", "env", "sh", "sha256sum")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The scripts alone, without a .venv, and a PATH that holds ``TOOLS`` and no Python."""
    shutil.copytree(SCRIPTS, tmp_path / "scripts")
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool) or tool)
    return tmp_path


def run(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments,
        cwd=checkout,
        env={"PATH": str(checkout / "bin")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=20 * SLOWNESS,
    )


def program(checkout: Path, name: str, *lines: str) -> None:
    path = checkout / "bin" / name
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]), encoding="ascii")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--fast"], "run: unknown argument: --fast; usage: scripts/run"),
        (["--urls"], "run: --urls needs a value; usage: scripts/run"),
        (["--fetchers"], "run: --fetchers needs a value; usage: scripts/run"),
        (["--demo", "--urls", "x.json"], "run: --demo brings a list of its own: leave out --urls"),
    ],
)
def test_a_wrong_argument_is_told_in_one_line(checkout: Path, arguments: list[str], told: str) -> None:
    (checkout / "bin" / "realpath").symlink_to(shutil.which("realpath") or "realpath")
    found = run(checkout, "scripts/run", *arguments)
    assert found.returncode == 64
    assert found.stderr.startswith(told)
    assert found.stderr.count("\n") == 1


def test_help_needs_nothing(checkout: Path) -> None:
    assert run(checkout, "scripts/run", "--help").stdout.startswith("usage: scripts/run")


@pytest.mark.parametrize("script", ["run", "test", "check", "trial", "bench"])
def test_a_machine_without_a_python_that_fits_is_told_so(checkout: Path, script: str) -> None:
    # A shim for a version that is not there, and a Python that is too old.
    program(checkout, "python3.13", "echo 'no such version' >&2", "exit 127")
    program(checkout, "python3", "exit 1")
    found = run(checkout, f"scripts/{script}")
    assert found.returncode == 69
    assert found.stderr == f"{script}: Python 3.11, 3.12 or 3.13 is needed, and none is in PATH\n"


def test_a_python_that_can_not_make_virtual_environments_is_told_so(checkout: Path) -> None:
    program(checkout, "python3.12", 'case "$2" in *ensurepip*) exit 1 ;; esac')
    found = run(checkout, "scripts/run")
    assert found.returncode == 69
    assert found.stderr.startswith(
        "run: python3.12 can not make virtual environments; on Debian: apt install"
    )


def test_an_installation_is_made_once_and_anew_when_the_project_changes(checkout: Path) -> None:
    made = 'mkdir -p "$4/bin"; cp "$0" "$4/bin/python"; echo made'
    program(
        checkout,
        "python3",
        'case "$*" in',
        "    --version) echo Python 3.12.0 ;;",
        f"    '-m venv '*) {made} >>log ;;",
        "    *'pip install'*) echo installed >>log ;;",
        "esac",
    )
    for tool in ("cp", "mkdir"):
        (checkout / "bin" / tool).symlink_to(shutil.which(tool) or tool)
    log = checkout / "log"
    install = ("sh", "-c", ". scripts/environment.sh; install run", "scripts/run")
    run(checkout, *install)
    run(checkout, *install)
    assert log.read_text(encoding="ascii") == "made\ninstalled\n"
    (checkout / "pyproject.toml").write_text("changed", encoding="ascii")
    run(checkout, *install)
    assert log.read_text(encoding="ascii") == "made\ninstalled\ninstalled\n"
