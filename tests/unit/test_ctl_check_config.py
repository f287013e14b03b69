"""``check-config``: every mistake of configuration and list, one line each."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from pagestatus.capacity import Cpu, Machine
from pagestatus.config import Config, Log
from pagestatus.ctl import check_config, seen
from pagestatus.ctl.group import run
from pagestatus.ctl.machine import machine as real_machine


def machine(config: Config) -> Machine:
    """Always the same one, with what is configured."""
    return real_machine(config)._replace(cores=4, disk_bytes=9 << 30)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for key in ("URLS", "DATA_DIR", "CONFIG", "FETCHERS", "SLOTS"):
        monkeypatch.delenv(f"PAGESTATUS_{key}", raising=False)
    monkeypatch.setenv("PAGESTATUS_RUN_DIR", str(tmp_path / "run"))
    monkeypatch.setattr(check_config, "machine", machine)
    monkeypatch.setattr(seen, "TYPICAL_CPU", Cpu(60, 7, 8))
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
latency   assumed, nothing is measured yet: 500 ms a check
CPU       assumed as in BENCHMARKS.md: 75 µs a check (fetchers 60, scheduler 7,
          aggregator 8); measured only at 2,000 checks a second and more,
          without downloads
log       rotation leaves 2.25 GiB (log.max_bytes times log.keep + 1): 2d 19h of
          log.mode all

FOR THIS LIST               NEEDS       HAS   SHARE
checks a second              30.0      53.3    56 %
slots                          18       200   9.0 %
  a tenth hanging              47       200    23 %
  all hanging                 300       200   150 %
  of the busiest host          18        32    56 %
fetchers                        1         2   0.1 %
cores                        0.00         4   0.1 %
  the scheduler's            0.00         1  <0.1 %
  the aggregator's           0.00         1  <0.1 %
disk for the log         2.25 GiB  9.00 GiB    25 %
  a day, all (log.mode)   821 MiB  2.25 GiB    36 %
  a day, changes         24.3 MiB  2.25 GiB   1.1 %
  a day, failures        24.1 MiB  2.25 GiB   1.0 %
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
    (place / "var" / "minutes.log").write_text("not ours\n" + json.dumps(minute) + "\n")
    assert run(["check-config", "new.json", "--json"]) == 0
    needs = json.loads(capsys.readouterr().out)["needs"]
    assert needs["targets"] == 1
    assert needs["latency_ms"] == 10.0
    assert needs["latency_source"].startswith("measured at 12:03 UTC")
    # The latency, and as long as a result may wait for the disk.
    assert needs["slots"] == {"needs": 0.11, "has": 200, "share": 0.00055}


def test_a_mistake_and_what_the_good_entries_need(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "urls.json").write_text('[{"url": "http://127.0.0.1/", "interval": 1, "timeout": 600}, 7]')
    assert run(["check-config", "--json"]) == 78
    said = json.loads(capsys.readouterr().out)
    assert len(said["mistakes"]) == 1
    assert said["needs"]["targets"] == 1
    assert said["needs"]["worst"]["needs"] == 1


def test_the_log_is_reckoned_from_urls_and_names(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def a_day(entry: dict[str, object]) -> float:
        (place / "urls.json").write_text(json.dumps([{"interval": 10, **entry}]))
        assert run(["check-config", "--json"]) == 0
        figure: float = json.loads(capsys.readouterr().out)["needs"]["log"]["all"]["needs"]
        return figure

    short = a_day({"url": "http://127.0.0.1/"})
    # A failure, of which there is one in a hundred, may be tried twice again.
    lines_a_day = 8640 * 1.02
    assert a_day({"url": f"http://127.0.0.1/{'x' * 100}"}) - short == pytest.approx(100 * lines_a_day)
    assert a_day({"url": "http://127.0.0.1/", "name": "x" * 26}) - short == pytest.approx(10 * lines_a_day)


def test_a_run_dir_of_somebody_else_hides_nothing(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "run").mkdir()
    (place / "urls.json").write_text('[{"url": "http://127.0.0.1/", "interval": 1}]')
    # root may enter any folder.
    monkeypatch.setattr("os.access", lambda *_args, **_more: False)
    assert run(["check-config", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["needs"]["targets"] == 1


def test_what_the_machine_has(place: Path) -> None:
    config = Config(data_dir=place / "not" / "yet", log=Log(max_bytes=1000, keep=2, fsync_ms=-1))
    found = real_machine(config)
    assert found.cores >= 1
    assert (found.fetchers, found.slots) == (config.fetchers, 2000)
    assert (found.log_bytes, found.commit_ms) == (3000, 0)
    # The disk is that of the folder in which data_dir will be made.
    assert found.disk_bytes > 0


def test_the_log_that_is_there_makes_room_for_itself(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.statvfs", lambda _path: SimpleNamespace(f_bavail=10, f_frsize=4096))
    (place / "url_status.log").write_bytes(b"x" * 100)
    (place / "url_status.log.1").write_bytes(b"x" * 50)
    (place / "url_status.log.2").symlink_to("rotated-away")
    (place / "minutes.log").write_bytes(b"x")
    assert real_machine(Config(data_dir=place)).disk_bytes == 40_960 + 150
