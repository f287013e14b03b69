"""The configuration: whatever stands in file or environment is one that runs, or one line per mistake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fuzzing import JSON, TEXT, fuzzed, is_one_line, mutated, outcome
from pagestatus.config import PREFIX, ConfigMistakes, load

FILE = b"""
urls = "list.json"
fetchers = 4
slots = "100"
[check]
timeout = "5s"
name_servers = ["127.0.0.1:5353", "::1"]
[log]
max_bytes = "64 MiB"
mode = "changes"
[downloads]
bytes = 65536
allow_private = true
[websocket]
host = "127.0.0.1"
token = "k8Zs3cret"
origins = ["https://example.com", "null"]
"""
KEYS = ["URLS", "FETCHERS", "SLOTS", "CHECK_TIMEOUT", "CHECK_NAME_SERVERS", "LOG_MODE", "LOG_MAX_BYTES",
        "DOWNLOADS_DIR", "DOWNLOADS_THREADS", "DOWNLOADS_ALLOW_PRIVATE", "WEBSOCKET_HOST", "WEBSOCKET_PORT",
        "WEBSOCKET_TOKEN", "WEBSOCKET_TOKEN_FILE", "WEBSOCKET_ORIGINS", "NONSENSE"]  # fmt: skip
# An environment holds neither NUL nor halves of characters.
VALUES = (TEXT | st.from_regex(r"[0-9.e-]{1,6} ?(s|m|h|MiB)?", fullmatch=True)).filter(
    lambda text: "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)
)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "pagestatus.toml"


def seen_to_be_right() -> None:
    """Load it, and hold what comes of it against what every start promises."""
    config = outcome(load, ConfigMistakes)
    if isinstance(config, ConfigMistakes):
        assert config.lines
        assert all(is_one_line(line, 2000) for line in config.lines), config.lines
        return
    assert 1 <= config.fetchers <= 256
    assert 0 < config.check.timeout <= 86_400
    assert config.data_dir.is_absolute()
    assert config.run_dir.is_absolute()
    assert config.websocket.token != ""


@fuzzed
@given(content=mutated([FILE]) | st.binary(max_size=200))
def test_any_file(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    seen_to_be_right()


@fuzzed
@given(value=JSON, key=st.sampled_from(["urls", "fetchers", "check", "log", "websocket", "check.timeout"]))
def test_any_value(file: Path, key: str, value: object) -> None:
    assume(value is not None)
    # What JSON writes, TOML reads: but for null, and for tables.
    file.write_text(f"{key} = {json.dumps(value)}\n", encoding="utf-8")
    seen_to_be_right()


@fuzzed
@given(given=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4))
def test_any_environment(file: Path, given: dict[str, str]) -> None:
    file.unlink(missing_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        for key, value in given.items():
            patch.setenv(PREFIX + key, value)
        seen_to_be_right()
