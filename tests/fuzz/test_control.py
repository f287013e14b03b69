"""The control socket: whatever line asks, one line of JSON answers."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fuzzing import JSON, TEXT, fuzzed, is_one_line, mutated
from pagestatus.control_server import ControlServer
from pagestatus.loop import Loop

LINES = [
    json.dumps(request).encode()
    for request in ({"command": "echo", "n": 1}, {"command": "status"}, {"command": "echo", "x": ["\u2028"]})
]


@pytest.fixture
def server() -> Iterator[ControlServer]:
    loop = Loop()
    with tempfile.TemporaryDirectory(prefix="pagestatus-test-") as folder, closing(loop):
        server = ControlServer(loop, Path(folder, "x.ctl"), {"echo": dict, "status": lambda _params: {}})
        with closing(server):
            yield server


@fuzzed
@example(line=b'{"command": ' + b"[" * 60_000)
@example(line=b'{"command": "echo", "n": ' + b"9" * 60_000 + b"}")
@given(
    line=st.binary(max_size=200)
    | mutated(LINES)
    | st.builds(lambda said: json.dumps(said).encode(), JSON)
    | st.builds(lambda name: json.dumps({"command": name}).encode(), TEXT)
)
def test_any_line(server: ControlServer, line: bytes) -> None:
    answer = server.answer(line)
    assert answer.count(b"\n") == 1
    assert answer.endswith(b"\n")
    said = json.loads(answer)
    assert said.keys() in ({"ok"}, {"error"})
    assert "error" not in said or is_one_line(said["error"])
