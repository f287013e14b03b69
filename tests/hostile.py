"""What strangers write to steer a terminal or to learn what is not for them; and how it is found again."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from system import System

# Of a system that lives for seconds.
TOKEN = "t0ken-of-the-websocket"  # noqa: S105
# Clear the screen, set the title, turn the writing round, and begin a line that looks like one of ours.
ESCAPES = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\u2028\r\n2026-01-31T00:00:00.000Z ERROR forged\x00\x7f"
# A status line and headers that are full of it: no line of HTTP may hold CR, LF or NUL.
_SHOWN = "".join(letter for letter in ESCAPES if letter not in "\r\n\0").encode()
RESPONSE = b"HTTP/1.1 500 %s\r\nServer: %s\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n" % ((_SHOWN,) * 3)


def with_token(token: str) -> Mapping[str, dict[str, str]]:
    """Options of a client that has ``token`` in its handshake."""
    return {"additional_headers": {"Authorization": f"Bearer {token}"}}


def steering(text: str) -> set[str]:
    """The letters in it that do more than stand there; ends of lines are right."""
    return {letter for letter in text if unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"}} - {
        "\n"
    }


def own_logs(system: System) -> str:
    """What the processes wrote of themselves."""
    paths = (*system.data_dir.parent.glob("*.out"), *system.data_dir.glob("*.log"))
    return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in paths)


def process_table(system: System) -> str:
    """The command lines of our processes, which all users of the machine see."""
    ours = {process.pid for process in system.processes.values()} | set(system.fetcher_pids().values())
    return "\n".join(_command_line(Path(f"/proc/{pid}")) for pid in sorted(ours))


def everybodys_process_table() -> str:
    """The same, of whoever runs on the machine."""
    return "\n".join(map(_command_line, Path("/proc").glob("[0-9]*")))


def _command_line(process: Path) -> str:
    # It may have ended meanwhile.
    with suppress(OSError):
        return process.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""
