"""``check-config``: every mistake of configuration and list, one line each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pagestatus.ctl.group import run


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for key in ("URLS", "DATA_DIR", "CONFIG", "FETCHERS", "SLOTS"):
        monkeypatch.delenv(f"PAGESTATUS_{key}", raising=False)
    monkeypatch.setenv("PAGESTATUS_RUN_DIR", str(tmp_path / "run"))
    (tmp_path / "pagestatus.toml").write_text("fetchers = 2\nslots = 100\n")
    return tmp_path


def test_a_good_list_and_what_it_needs(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "urls.json").write_text(
        json.dumps([{"url": f"http://127.0.0.1/{number}", "interval": "10s"} for number in range(300)])
    )
    assert run(["check-config"]) == 0
    assert (
        capsys.readouterr().out
        == """\
no mistakes

targets   300
rate      30.0 checks a second
latency   assumed, nothing is measured yet: 500 ms a check
slots     15 in use, 300 if every check timed out
capacity  200 slots (2 fetchers of 100)
share     7.5 %, 150 % if every check timed out
"""
    )


def test_every_mistake_of_the_list_is_one_line(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "urls.json").write_text(
        json.dumps(
            [
                {"url": "http://127.0.0.1/", "interval": 60},
                {"url": "http://127.0.0.1/"},
                {"url": "ftp://127.0.0.1/", "interval": 60},
                {"url": "http://127.0.0.1/", "interval": -1},
                {"url": "http://127.0.0.1/", "interval": 60, "colour": "\x1b[31m"},
                7,
            ]
        )
    )
    assert run(["check-config"]) == 78
    lines = capsys.readouterr().out.splitlines()
    for index, line in enumerate(lines[:5], start=1):
        assert line.startswith(f"{place}/urls.json: [{index}]"), line
        assert "expected" in line
    assert lines[5] == "mistakes: 5"
    assert lines[7] == "targets   1"


def test_mistakes_of_the_configuration_come_alone(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "pagestatus.toml").write_text('fetchers = 0\nslotz = 7\n[check]\ntimeout = "soon"\n')
    assert run(["check-config"]) == 78
    lines = capsys.readouterr().out.splitlines()
    assert lines[3] == "the list is looked at when the configuration, which names it, is right"
    assert [line.split(": ")[1] for line in lines[:3]] == ["fetchers", "slotz", "check.timeout"]
    assert lines[-1] == "mistakes: 3"


@pytest.mark.parametrize("content", [None, "", "{}", '[{"url": ', "\udcff"])
def test_a_list_that_is_none_is_one_mistake(
    place: Path, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    if content is not None:
        (place / "urls.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    assert run(["check-config", "--json"]) == 78
    said = json.loads(capsys.readouterr().out)
    assert len(said["mistakes"]) == 1
    assert said["needs"] == {}


def test_an_empty_list_is_worth_a_word(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "urls.json").write_text("[]")
    assert run(["check-config", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["mistakes"] == []
    assert said["notes"] == [f"{place}/urls.json: the list is empty: nothing will be checked"]


def test_another_list_and_the_latency_of_the_last_minute(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "new.json").write_text('[{"url": "http://127.0.0.1/", "interval": 1}]')
    (place / "var").mkdir()
    minute = {
        "minute": "2026-01-31T12:03:00.000Z",
        "latency_ms": {"p50": 10.0, "p90": 10.0, "p99": 10.0, "max": 10.0},
    }
    (place / "var" / "minutes.log").write_text(json.dumps(minute) + "\n")
    assert run(["check-config", "new.json", "--json"]) == 0
    needs = json.loads(capsys.readouterr().out)["needs"]
    assert needs["targets"] == 1
    assert needs["latency_ms"] == 10.0
