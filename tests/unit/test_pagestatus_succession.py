"""Whose lock it is: held by one that refuses, by one that does not answer, by one that makes way."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from pagestatus.addresses import Addresses
from pagestatus.control import ControlError
from pagestatus.locks import Lock, Taken
from pagestatus.succession import Supervision, succeed
from system import short_folder


@pytest.fixture
def addresses() -> Iterator[Addresses]:
    """Of an empty run_dir."""
    run_dir = short_folder()
    yield Addresses(run_dir)
    for path in run_dir.iterdir():
        path.unlink()
    run_dir.rmdir()


@contextmanager
def holder(addresses: Addresses, answer: bytes | None) -> Iterator[Lock]:
    """Holds the lock of a scheduler; gives ``answer`` to whoever asks, or none, and then lets the lock go."""
    lock = Lock(addresses.lock("scheduler"))

    def serve(listening: socket.socket) -> None:
        peer, _ = listening.accept()
        with closing(peer):
            assert peer.recv(100) == b'{"command":"make_way"}\n'
            peer.sendall(answer or b"")
            if answer and b"ok" in answer:
                lock.release()

    with closing(lock_socket(addresses.control("scheduler"))) as listening:
        thread = threading.Thread(target=serve, args=[listening])
        if answer:
            thread.start()
        yield lock
        if answer:
            thread.join()
    lock.release()


def lock_socket(path: Path) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen()
    return listening


def test_who_refuses_keeps_it(addresses: Addresses) -> None:
    said = f"{addresses.lock('scheduler')} is held by process {os.getpid()}: it is running already"
    with (
        holder(addresses, b'{"error":"it is running already"}\n'),
        pytest.raises(Taken) as taken,
    ):
        succeed(addresses, "scheduler")
    assert str(taken.value) == said


def test_who_does_not_answer_is_told_of(addresses: Addresses) -> None:
    with holder(addresses, None), pytest.raises(Taken) as taken:
        succeed(addresses, "scheduler")
    assert str(taken.value).endswith(
        ": it is running already, and does not answer: if that lasts, kill -9 it"
    )


def test_who_is_about_to_begin_or_to_end_keeps_it(addresses: Addresses) -> None:
    lock = Lock(addresses.lock("scheduler"))
    with pytest.raises(Taken, match=r"running already$"):
        succeed(addresses, "scheduler")
    lock.release()


def test_who_makes_way_is_waited_for(addresses: Addresses, caplog: pytest.LogCaptureFixture) -> None:
    with holder(addresses, b'{"ok":null}\n'):
        succeed(addresses, "scheduler").release()
    (said,) = caplog.messages
    assert said.endswith("but its supervisord has ended: it drains and makes way")


def test_only_who_has_lost_its_supervisord_makes_way(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SUPERVISOR_PROCESS_NAME", "scheduler")
    child, grandchild = Supervision("scheduler"), Supervision("fetcher-1")
    monkeypatch.setattr(os, "getppid", lambda: 1)
    assert (child.state, grandchild.state) == ("unsupervised", "running")
    child.make_way()
    with pytest.raises(ControlError, match="it is running already"):
        grandchild.make_way()
    for supervision in (child, child, grandchild):
        supervision.look()
    (said,) = caplog.messages
    assert "has ended: going on, but nobody will start this again" in said
