"""Sockets, files and folders are for whom they belong to, whatever the umask: another user gets nowhere.

Supervisord's own socket: ``faults/test_supervisord.py``; ``run_dir``: ``unit/test_pagestatus_addresses.py``.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bridge_client import BridgeClient
from downloads import CONTENT, arrived, fetched, fetchers_known, place_of
from page_site import PageSite, honest
from pagestatus.addresses import Addresses, BadRunDir
from pagestatus.ctl.group import run
from supervised import InBackground
from system import ACTORS, SLOWNESS, System, eventually, short_folder

NOBODY = 65534
# What a user of the machine may try; begun as root, since another may not be able to start our Python.
INTRUDER = """
import json, os, socket, sys
user, *groups = json.load(sys.stdin)
sockets, private, folders, pids = groups
os.setgroups([]), os.setgid(user), os.setuid(user)
got = []
def attempt(what, act, *arguments):
    try:
        act(*arguments)
    except OSError:
        return
    got.extend([" ".join(map(str, (what, *arguments)))] if what else [])
for path in sockets:
    attempt("connect", socket.socket(socket.AF_UNIX).connect, path)
    attempt("remove", os.unlink, path)
for path in private:
    attempt("read", open, path)
for folder in folders:
    attempt("make in", open, folder + "/planted", "x")
    found = []
    attempt("", lambda: found.extend(os.listdir(folder)))
    for path in (f"{folder}/{name}" for name in found):
        attempt("write", open, path, "r+")
        attempt("rename", os.rename, path, path + ".gone")
for pid in pids:
    attempt("read", open, f"/proc/{pid}/environ")
    attempt("read", open, f"/proc/{pid}/mem")
    attempt("list", os.listdir, f"/proc/{pid}/fd")
    attempt("signal", os.kill, pid, 0)
print(json.dumps(got))
"""


@pytest.fixture(scope="module")
def folder(umask: int) -> Iterator[Path]:
    """One for each umask, and unlike those of pytest one that others can enter."""
    del umask
    folder = short_folder()
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module", params=[0o000, 0o002, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield int(request.param)
    os.umask(before)


@pytest.fixture(scope="module")
def running(folder: Path, pages: PageSite) -> Iterator[System]:
    """All processes, which have written all that they ever write."""
    targets = [{"url": pages.add(honest(b"page")), "interval": 1, "name": "page"}]
    system = System(folder, targets, downloads__broadcast_interval=0.02, websocket__token="t0ken")  # noqa: S106
    try:
        system.start()
        eventually(lambda: fetchers_known(system) == 1, "the bridge knows its fetcher", within_s=20)
        system.until_checked(1)
        assert system.ctl("pause", "page").returncode == 0
        yield system
    finally:
        system.close()


@pytest.fixture
def inside(running: System) -> Iterator[BridgeClient]:
    with running.connect(additional_headers={"Authorization": "Bearer t0ken"}) as client:
        yield client


def modes(*folders: Path) -> dict[Path, int]:
    """Of everything in these folders, and of themselves."""
    found = [path for folder in folders for path in (folder, *folder.rglob("*"))]
    return {path: stat.S_IMODE(path.lstat().st_mode) for path in found}


def test_who_may_what(running: System, inside: BridgeClient, pages: PageSite, umask: int) -> None:
    told = fetched(inside, pages.add(honest(CONTENT)))
    assert arrived(told) == CONTENT
    of_run_dir, of_data_dir = modes(running.run_dir), modes(running.data_dir)
    assert of_run_dir[running.run_dir] == 0o700
    controls = [mode for path, mode in of_run_dir.items() if path.suffix == ".ctl"]
    assert (len(controls), set(controls)) == (5, {0o600})
    # Whoever could write here could have anything fetched.
    assert not {path: oct(mode) for path, mode in of_data_dir.items() if mode & 0o022}
    assert {mode for path, mode in of_data_dir.items() if path.name.startswith("downloads.db")} == {0o600}
    assert of_data_dir[place_of(told)] == 0o644 & ~umask
    if umask == 0o077:
        assert not {path: oct(mode) for path, mode in of_data_dir.items() if mode & 0o077}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
@pytest.mark.usefixtures("inside")
def test_another_user_gets_nowhere(running: System) -> None:
    pids = {process.pid for process in running.processes.values()} | set(running.fetcher_pids().values())
    got = intruded(
        [*running.run_dir.glob("*.ctl"), *running.run_dir.glob("*.in")],
        [*running.data_dir.glob("downloads.db*"), *running.run_dir.glob("*.lock")],
        [running.run_dir, running.data_dir, running.downloads_dir],
        sorted(pids),
    )
    assert got == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_another_user_gets_where_the_door_is_open() -> None:
    """So that it is seen above when they do."""
    with ExitStack() as open_:
        folder = Path(open_.enter_context(tempfile.TemporaryDirectory(prefix="pagestatus-test-")))
        folder.chmod(0o777)
        file, place = folder / "file", folder / "socket"
        file.touch()
        open_.enter_context(listener(place))
        for path in (file, place):
            path.chmod(0o666)
        theirs = open_.enter_context(
            subprocess.Popen(["/bin/cat"], user=NOBODY, group=NOBODY, stdin=subprocess.PIPE)
        )
        got = intruded([place], [file], [folder], [theirs.pid])
    ways = {words.split()[0] for words in got}
    assert ways == {"connect", "remove", "read", "make", "write", "rename", "list", "signal"}


def intruded(sockets: list[Path], private: list[Path], folders: list[Path], pids: list[int]) -> list[str]:
    """What another user of this machine can do with these."""
    groups = (sockets, private, folders)
    done = subprocess.run(
        [sys.executable, "-I", "-c", INTRUDER],
        input=json.dumps([NOBODY, *(list(map(str, group)) for group in groups), pids]),
        capture_output=True,
        text=True,
        check=False,
        timeout=30 * SLOWNESS,
    )
    assert done.returncode == 0, done.stderr
    assert all(group for group in groups)
    got: list[str] = json.loads(done.stdout)
    return got


def test_the_umask_of_who_starts_a_supervisord_in_the_background(
    make_system: Callable[..., System], pages: PageSite
) -> None:
    """It is kept, though supervisord has one of its own there, by all that it starts and writes."""
    system = make_system([{"url": pages.add(honest(b"page")), "interval": 1}])
    supervised = InBackground(system, 0o077)
    try:
        supervised.until_running("after the start")
        eventually(lambda: supervised.pid("watchdog"), "the watchdog runs")
        pids = {name: supervised.pid(name) for name in (*ACTORS, "watchdog")} | system.fetcher_pids()
        assert {name: umask_of(pid) for name, pid in pids.items()} == dict.fromkeys(pids, "0077")
        written = modes(system.data_dir, *(supervised.root / "var").iterdir())
        assert {"supervisord.log", "scheduler.out", "scheduler.log"} <= {path.name for path in written}
        assert not {path: oct(mode) for path, mode in written.items() if mode & 0o077}
        assert stat.S_IMODE((system.run_dir / "watchdog.ctl").stat().st_mode) == 0o600
    finally:
        supervised.close()


def umask_of(pid: int) -> str:
    """What proc(5) tells."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return status.partition("\nUmask:\t")[2].partition("\n")[0]


# --- run_dir, and who has it --------------------------------------------------------------------------------


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make what is another user's")
def test_a_link_of_somebody_else_is_not_followed(tmp_path: Path) -> None:
    """It can be turned elsewhere after we have looked."""
    (tmp_path / "ours").mkdir()
    link = tmp_path / "run"
    link.symlink_to(tmp_path / "ours")
    Addresses(link).prepare()
    os.chown(link, NOBODY, NOBODY, follow_symlinks=False)
    with pytest.raises(BadRunDir) as mistake:
        Addresses(link).prepare()
    assert str(mistake.value) == f"{link} is a link of user {NOBODY}, expected one of {os.geteuid()}"


@pytest.mark.parametrize(
    "arguments", [("status",), ("tail",), ("download", "http://a/", "--header", "X: secret")], ids=" ".join
)
def test_nothing_is_said_to_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    """Where the default is, whoever comes first can make the folder, and listen in it."""
    folder = short_folder()
    run_dir = folder / "pagestatus"
    run_dir.mkdir()
    them = us = os.geteuid()
    if us == 0:
        them = NOBODY
        os.chown(run_dir, them, them)
    else:
        us += 1
        monkeypatch.setattr("os.geteuid", lambda: us)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    with ExitStack() as listeners:
        listening = [listeners.enter_context(listener(run_dir / f"{name}.ctl")) for name in ACTORS]
        assert run([*arguments]) != 0
        assert f"{run_dir} belongs to user {them}, expected {us}" in capsys.readouterr().err
        for one in listening:
            with pytest.raises(BlockingIOError):
                one.accept()
    shutil.rmtree(folder)


def listener(path: Path) -> socket.socket:
    """A socket at which somebody else waits for what is said."""
    found = socket.socket(socket.AF_UNIX)
    found.bind(str(path))
    found.listen()
    found.setblocking(False)
    return found
