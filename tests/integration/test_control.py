"""The control socket: who asks rightly is answered, whatever the others do."""

from __future__ import annotations

import errno
import os
import resource
import socket
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest

from pagestatus.control import ControlError, NoAnswer, Params, Silent, ask, ask_all
from pagestatus.control_server import LONGEST_REQUEST, MOST_CONNECTIONS, NO_DESCRIPTOR_S, ControlServer
from pagestatus.loop import READ, Loop
from system import SLOWNESS, eventually

PATIENCE_S = 10 * SLOWNESS
# Enough to fill what a socket's buffers hold, many times over.
LARGE = "x" * (4 << 20)


def echo(params: Params) -> object:
    return dict(params)


def refuse(_params: Params) -> object:
    raise ControlError("no such target")


def refuse_path(path: str) -> object:
    raise ControlError(f"{path}: no such file")


def disk_full(_params: Params) -> object:
    raise OSError(errno.ENOSPC, "No space left on device")


COMMANDS: dict[str, Callable[[Params], object]] = {
    "echo": echo,
    "refuse": refuse,
    "disk_full": disk_full,
    "large": lambda _params: LARGE,
    "nothing": lambda _params: None,
    "halves": lambda _params: {"p\udcff": ["/files/\udcff", "\\udcff", "é\n", 1 << 70]},
    "refuse_halves": lambda _params: refuse_path("/files/\udcff"),
    "huge": lambda _params: 10**5000,
    "huge_halves": lambda _params: ["\udcff", 10**5000],
    "object": lambda _params: object(),
}
KNOWN = ", ".join(sorted(COMMANDS))


class Served:
    """A control server at ``path``, on a loop that the test drives or has driven by a thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.loop = Loop()
        self.server = ControlServer(self.loop, path, COMMANDS)

    @contextmanager
    def running(self) -> Iterator[None]:
        wake, sleeping = socket.socketpair()
        self.loop.watch(sleeping.fileno(), READ, lambda _fd, _events: self.loop.stop())
        thread = threading.Thread(target=self.loop.run)
        thread.start()
        try:
            yield
        finally:
            wake.close()
            thread.join()
            self.loop.unwatch(sleeping.fileno())
            sleeping.close()

    def connect(self) -> socket.socket:
        peer = socket.socket(socket.AF_UNIX)
        peer.settimeout(PATIENCE_S)
        peer.connect(str(self.path))
        return peer


@pytest.fixture
def run_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="pagestatus-test-") as path:
        yield Path(path)


@pytest.fixture
def still(run_dir: Path) -> Iterator[Served]:
    """Its rounds are run by the test."""
    served = Served(run_dir / "a.ctl")
    yield served
    served.server.close()
    served.loop.close()


@pytest.fixture
def served(still: Served) -> Iterator[Served]:
    """It runs by itself."""
    with still.running():
        yield still


def lines(peer: socket.socket, count: int) -> list[dict[str, object]]:
    """The next answers."""
    received = b""
    while received.count(b"\n") < count:
        piece = peer.recv(1 << 20)
        assert piece, f"hung up after {received!r}"
        received += piece
    return [msgspec.json.decode(line, type=dict[str, object]) for line in received.splitlines()]


# --- asking ----------------------------------------------------------------------------------------------


def test_a_command_gets_its_parameters_and_its_answer_comes_back(served: Served) -> None:
    assert ask(served.path, "echo", {"n": 3, "url": "é"}, PATIENCE_S) == {
        "command": "echo",
        "n": 3,
        "url": "é",
    }
    assert ask(served.path, "nothing", None, PATIENCE_S) is None


def test_a_large_answer_comes_whole(served: Served) -> None:
    assert ask(served.path, "large", None, PATIENCE_S) == LARGE


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("refuse", "no such target"),
        # The disk's refusal is the operator's matter, and no end of the actor.
        ("disk_full", "[Errno 28] No space left on device"),
        ("dance", f"unknown command 'dance', expected one of {KNOWN}"),
        ("\n" + "x" * 1000, rf"unknown command '\n{'x' * 76}…, expected one of {KNOWN}"),
    ],
)  # fmt: skip
def test_a_refusal_is_one_line_for_the_operator(served: Served, command: str, message: str) -> None:
    with pytest.raises(ControlError) as refused:
        ask(served.path, command, None, PATIENCE_S)
    assert str(refused.value) == message


def test_bytes_of_a_path_that_are_no_characters_are_shown(served: Served) -> None:
    shown = r"/files/\udcff"
    assert ask(served.path, "halves") == {r"p\udcff": [shown, r"\udcff", "é\n", 1 << 70]}
    with pytest.raises(ControlError) as told:
        ask(served.path, "refuse_halves")
    assert str(told.value) == f"{shown}: no such file"


@pytest.mark.parametrize("command", ["huge", "huge_halves", "object"])
def test_an_answer_that_cannot_be_written_is_an_error_and_the_server_goes_on(
    served: Served, command: str
) -> None:
    with pytest.raises(ControlError, match="the answer cannot be written"):
        ask(served.path, command)
    assert ask(served.path, "nothing") is None


def test_what_is_not_even_text_is_refused_before_it_is_sent(served: Served) -> None:
    with pytest.raises(ControlError, match=r"^what is asked for is not UTF-8$"):
        ask(served.path, "echo", {"target": "\udcff"}, PATIENCE_S)


def test_nobody_is_there(run_dir: Path) -> None:
    with pytest.raises(NoAnswer, match=r"No such file or directory$") as nobody:
        ask(run_dir / "a.ctl", "status")
    assert not isinstance(nobody.value, Silent)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(run_dir / "a.ctl"))
    with pytest.raises(NoAnswer, match=r"Connection refused$") as nobody:
        ask(run_dir / "a.ctl", "status")
    assert not isinstance(nobody.value, Silent)


def test_a_path_that_no_socket_can_have(run_dir: Path) -> None:
    with pytest.raises(NoAnswer, match="path too long"):
        ask(run_dir / ("x" * 120), "status")


@contextmanager
def listening(path: Path, backlog: int = 8) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(backlog)
        yield server


def test_who_is_silent_holds_nobody_up_for_longer_than_was_allowed(run_dir: Path) -> None:
    with listening(run_dir / "a.ctl"):
        began = time.monotonic()
        with pytest.raises(Silent, match=r"^no answer within 0\.05 s$"):
            ask(run_dir / "a.ctl", "status", timeout_s=0.05)
        assert time.monotonic() - began < PATIENCE_S


def test_who_is_so_silent_that_others_wait_already_is_not_waited_for(run_dir: Path) -> None:
    path = run_dir / "a.ctl"
    with listening(path, 0), closing(socket.socket(socket.AF_UNIX)) as first:
        first.connect(str(path))
        # The timeout would be an hour: it is not what ends this.
        with pytest.raises(Silent, match=r"others wait for it already$"):
            ask(path, "status", timeout_s=3600)


@pytest.mark.parametrize("said", [b"", b'{"ok": 1', b"{}{}\n", b"[]\n", b"\xff\n", b"[" * 10_000 + b"\n"])
def test_who_hangs_up_or_talks_nonsense_has_not_answered(run_dir: Path, said: bytes) -> None:
    with listening(run_dir / "a.ctl") as server:

        def speak() -> None:
            peer, _ = server.accept()
            with peer:
                peer.recv(1000)
                peer.sendall(said)

        speaker = threading.Thread(target=speak)
        speaker.start()
        with pytest.raises(Silent, match=r"^hung up before it answered$"):
            ask(run_dir / "a.ctl", "status", timeout_s=PATIENCE_S)
        speaker.join()


def test_several_are_asked_at_once_and_the_silent_ones_cost_the_others_nothing(
    served: Served, run_dir: Path
) -> None:
    with listening(run_dir / "b.ctl"), listening(run_dir / "c.ctl"):
        answers = ask_all(
            {
                "silent": (run_dir / "b.ctl", "status", {}),
                "as silent": (run_dir / "c.ctl", "status", {}),
                "here": (served.path, "echo", {"n": 1}),
                "refusing": (served.path, "refuse", {}),
                "nobody": (run_dir / "d.ctl", "status", {}),
                "here too": (served.path, "large", {}),
            },
            timeout_s=1 * SLOWNESS,
        )
    assert answers["here"] == {"command": "echo", "n": 1}
    assert answers["here too"] == LARGE
    assert {name: type(answer) for name, answer in answers.items() if isinstance(answer, Exception)} == {
        "silent": Silent,
        "as silent": Silent,
        "refusing": ControlError,
        "nobody": NoAnswer,
    }


def test_nobody_is_asked() -> None:
    assert ask_all({}) == {}


# --- serving ---------------------------------------------------------------------------------------------

GARBAGE: list[tuple[bytes, str]] = [
    (b"", "not a JSON object: Input data was truncated"),
    (b"status", "not a JSON object: JSON is malformed: invalid character (byte 0)"),
    (b"\xff\xfe\x00", "not a JSON object: JSON is malformed: invalid character (byte 0)"),
    (b'{"command": "\xff"}', "not a JSON object: 'utf-8' codec can't decode"),
    (b"[]", "not a JSON object: Expected `object`, got `array`"),
    (b'"status"', "not a JSON object: Expected `object`, got `str`"),
    (b'{"command": "echo"', "not a JSON object: Input data was truncated"),
    (b"[" * 50_000, "not a JSON object: "),
    (b'{"a":' * 10_000, "not a JSON object: nested too deeply"),
    (b"{}", "unknown command None, expected one of "),
    (b'{"command": null}', "unknown command None, expected one of "),
    (b'{"command": ["echo"]}', "unknown command ['echo'], expected one of "),
    (b'{"command": {"echo": 1}}', "unknown command {'echo': 1}, expected one of "),
    (b'{"command": "__class__"}', "unknown command '__class__', expected one of "),
]


@pytest.mark.parametrize(("line", "error"), GARBAGE, ids=lambda part: repr(part[:20]))
def test_garbage_gets_one_line_and_the_connection_goes_on(served: Served, line: bytes, error: str) -> None:
    with closing(served.connect()) as peer:
        peer.sendall(line + b"\n")
        (answer,) = lines(peer, 1)
        assert str(answer["error"]).startswith(error)
        assert "\n" not in str(answer["error"])
        peer.sendall(b'{"command": "nothing"}\n')
        assert lines(peer, 1) == [{"ok": None}]


def test_a_line_may_come_in_pieces(still: Served) -> None:
    with closing(still.connect()) as peer:
        for byte in b'{"command": "nothing"}\n':
            peer.sendall(bytes([byte]))
            still.loop.round(0)
        still.loop.round(0)
        assert lines(peer, 1) == [{"ok": None}]


def test_who_asks_and_closes_its_half_gets_its_answer(served: Served) -> None:
    # As printf … | socat does it.
    with closing(served.connect()) as peer:
        peer.sendall(b'{"command": "large"}\n')
        peer.shutdown(socket.SHUT_WR)
        (answer,) = lines(peer, 1)
        assert answer == {"ok": LARGE}
        assert peer.recv(1) == b""


def test_half_a_line_and_then_nothing_is_forgotten(served: Served) -> None:
    with closing(served.connect()) as peer:
        peer.sendall(b'{"command": "nothing"}')
        peer.shutdown(socket.SHUT_WR)
        assert peer.recv(1) == b""


def test_several_lines_at_once_are_answered_in_order_one_a_round(still: Served) -> None:
    with closing(still.connect()) as peer:
        peer.sendall(b"".join(b'{"command": "echo", "n": %d}\n' % number for number in range(20)))
        answers: list[dict[str, object]] = []
        peer.setblocking(False)
        for _ in range(100):
            still.loop.round(0)
            try:
                answers += (now := lines(peer, 1))
            except BlockingIOError:
                continue
            # The actor's own work is never behind more than one of them.
            assert len(now) == 1
        assert [answer["ok"] for answer in answers] == [{"command": "echo", "n": n} for n in range(20)]


def test_a_line_without_an_end_is_told_so_and_hung_up_on(served: Served) -> None:
    with closing(served.connect()) as peer:
        peer.sendall(b"x" * (LONGEST_REQUEST + 1))
        assert lines(peer, 1) == [{"error": "a request of more than 65536 bytes"}]
        assert peer.recv(1) == b""
    assert ask(served.path, "nothing", None, PATIENCE_S) is None


def test_who_never_reads_takes_no_more_memory_than_one_answer(served: Served) -> None:
    with closing(served.connect()) as deaf:
        deaf.setblocking(False)
        request = b'{"command": "large"}\n' * 10_000
        sent = 0

        def stuck() -> bool:
            nonlocal sent
            try:
                sent += deaf.send(request)
            except BlockingIOError:
                return True
            return False

        eventually(stuck, "nothing more is taken from who does not read")
        # The others are answered all the while.
        assert ask(served.path, "nothing", None, PATIENCE_S) is None
        eventually(lambda: len(served.server._connections) == 1, "only who does not read is left")
        (connection,) = served.server._connections
        assert len(connection._to_send) <= len(LARGE) + 100
        assert len(connection._received) <= 2 * LONGEST_REQUEST


def test_who_hangs_up_in_the_midst_of_an_answer_harms_nobody(served: Served) -> None:
    with closing(served.connect()) as peer:
        peer.sendall(b'{"command": "large"}\n' * 3)
        assert peer.recv(10)
    assert ask(served.path, "nothing", None, PATIENCE_S) is None
    eventually(lambda: not served.server._connections, "it is forgotten")


def test_the_oldest_make_room_so_that_an_operator_is_never_locked_out(served: Served) -> None:
    more = 5
    peers = []
    for _ in range(MOST_CONNECTIONS + more):
        peers.append(served.connect())
        # Each is seen before the next one comes: a backlog is no connection.
        peers[-1].sendall(b'{"command": "nothing"}\n')
        assert lines(peers[-1], 1) == [{"ok": None}]
    assert [peer.recv(1) for peer in peers[:more]] == [b""] * more
    peers[more].sendall(b'{"command": "nothing"}\n')
    assert lines(peers[more], 1) == [{"ok": None}]
    assert len(served.server._connections) == MOST_CONNECTIONS
    assert ask(served.path, "nothing", None, PATIENCE_S) is None
    for peer in peers:
        peer.close()


class NoDescriptors:
    """A listening socket at which nobody can be let in."""

    def __init__(self, real: socket.socket) -> None:
        self._real = real
        self.tried = 0

    def fileno(self) -> int:
        return self._real.fileno()

    def accept(self) -> object:
        self.tried += 1
        raise OSError(errno.EMFILE, "Too many open files")

    def close(self) -> None:
        self._real.close()


def test_without_a_descriptor_the_loop_still_sleeps_and_lets_people_in_later(still: Served) -> None:
    real = still.server._socket
    refusing = NoDescriptors(real)
    still.server._socket = refusing  # type: ignore[assignment]
    with closing(still.connect()) as peer:
        for _ in range(10):
            still.loop.round(0)
        # Once more with the spare one.
        assert refusing.tried == 2
        assert 0 < still.loop.timeout() <= NO_DESCRIPTOR_S
        still.server._socket = real
        peer.sendall(b'{"command": "nothing"}\n')
        with still.running():
            assert lines(peer, 1) == [{"ok": None}]


@contextmanager
def no_descriptors() -> Iterator[None]:
    """In this process."""
    lowest = os.dup(0)
    os.close(lowest)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_without_a_descriptor_one_at_a_time_is_answered(still: Served) -> None:
    for _ in range(3):
        with closing(still.connect()) as peer:
            peer.sendall(b'{"command": "nothing"}\n')
            peer.settimeout(PATIENCE_S)
            with no_descriptors():
                for _ in range(4):
                    still.loop.round(0)
            assert lines(peer, 1) == [{"ok": None}]
        # It hears of the end, and has a spare one again.
        still.loop.round(PATIENCE_S)


def test_a_server_that_closes_hangs_up_and_takes_its_socket_away(still: Served) -> None:
    asked: list[Params] = []
    still.server._commands = {"note": asked.append}
    with closing(still.connect()) as peer:
        still.loop.round(0)
        peer.sendall(b'{"command": "note"}\n' * 3)
        still.loop.round(0)
        still.server.close()
        # What it had not come to yet is not done by a ghost.
        still.loop.round(0)
        assert len(asked) == 1
        assert lines(peer, 1) == [{"ok": None}]
        assert not still.path.exists()
    with pytest.raises(NoAnswer):
        ask(still.path, "nothing")
    Served(still.path).server.close()


def test_it_is_for_its_owner_alone_and_replaces_what_a_killed_one_left(run_dir: Path) -> None:
    path = run_dir / "a.ctl"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    served = Served(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    served.server.close()
    served.loop.close()


def test_a_bug_of_ours_is_not_hidden_from_the_loop(still: Served) -> None:
    def bug(_params: Params) -> object:
        raise KeyError("ours")

    still.server._commands = {"bug": bug}
    with closing(still.connect()) as peer:
        peer.sendall(b'{"command": "bug"}\n')
        # In one round it is let in, in the next it is heard.
        still.loop.round(0)
        with pytest.raises(KeyError):
            still.loop.round(0)
