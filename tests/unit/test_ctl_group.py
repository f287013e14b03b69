"""The command line: help, names, exit codes, and that nothing ends in a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

from pagestatus import ctl
from pagestatus.ctl import group as group_module
from pagestatus.ctl.group import COMMANDS, group, run
from pagestatus.ctl.output import to_json

READING = (
    "status",
    "summary",
    "inflight",
    "failures",
    "tail",
    "why",
    "check-config",
    "download",
    "downloads",
)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder where nothing runs, which is all that the configuration says."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAGESTATUS_RUN_DIR", str(tmp_path / "run"))
    monkeypatch.delenv("PAGESTATUS_DATA_DIR", raising=False)
    monkeypatch.delenv("PAGESTATUS_CONFIG", raising=False)
    return tmp_path


def test_help_starts_with_examples(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--help"], [], *([name, "-h"] for name in COMMANDS)):
        assert run(arguments) == 0
        assert capsys.readouterr().out.startswith("Examples:\n  "), arguments


def test_the_help_of_the_group_names_every_command_as_it_names_itself() -> None:
    context = click.Context(group)
    for name, (_module, text) in COMMANDS.items():
        command = group.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert (command.help or "").splitlines()[0] == text


def test_every_reading_command_speaks_json() -> None:
    context = click.Context(group)
    for name in READING:
        command = group.get_command(context, name)
        assert command is not None
        assert "--json" in {opt for param in command.params for opt in param.opts}, name


def test_help_fits_80_columns(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for name in COMMANDS:
        run([name, "--help"])
        assert all(len(line) <= 80 for line in capsys.readouterr().out.splitlines()), name


def test_a_shell_takes_the_urls_of_the_examples_as_they_stand() -> None:
    context = click.Context(group)
    commands = [group.get_command(context, name) for name in COMMANDS]
    words = [word for command in commands if command for word in (command.epilog or "").split()]
    special = [word for word in words if "://" in word and set(word) & set("?&*#;")]
    assert len(special) > 1
    assert all(word[0] == word[-1] == "'" for word in special)


@pytest.mark.parametrize(
    ("command", "words", "never"),
    [
        ("download-pause", "stays only if the server honours ranges", "resumed; what it has stays"),
        ("download-resume", "has failed or was cancelled is tried again", "a failed one again"),
        ("download-cancel", "download-resume tries it again", "for good"),
        ("download-remove", "a complete file stays", "for good"),
        ("download-set-url", "'https://example.org/big.iso?key=new'", "for good"),
    ],
)
def test_what_becomes_of_a_download_is_told_as_it_is(
    capsys: pytest.CaptureFixture[str], command: str, words: str, never: str
) -> None:
    assert run([command, "--help"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert words in told
    assert never not in told


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nonsense"], 2, "No such command 'nonsense'"),
        (["status", "--nonsense"], 2, "No such option"),
        (["scale"], 2, "Missing argument 'N'"),
        (["scale", "0"], 2, "0 is not in the range"),
        (["scale", "two"], 2, "'two' is not a valid"),
        (["tail", "-n", "-1"], 2, "not in the range"),
        (["completion", "tcsh"], 2, "'tcsh' is not one of"),
        (["scale", "2"], 4, "the fetchers process is not running"),
        (["reload"], 4, "the scheduler process is not running"),
        (["pause", "x"], 4, "the scheduler process is not running"),
        (["resume", "x"], 4, "the scheduler process is not running"),
        (["inflight"], 4, "the scheduler process is not running"),
        (["why", "x"], 4, "the scheduler process is not running"),
        (["failures"], 4, "the aggregator process is not running"),
        (["download", "https://example.org/"], 4, "the wsbridge process is not running"),
        (["downloads"], 4, "the wsbridge process is not running"),
        (["download-pause", "3f9c"], 4, "the wsbridge process is not running"),
        (["download-resume", "3f9c"], 4, "the wsbridge process is not running"),
        (["download-cancel", "3f9c"], 4, "the wsbridge process is not running"),
        (["download-remove", "3f9c"], 4, "the wsbridge process is not running"),
        (["download-set-url", "3f9c"], 2, "Missing argument 'URL'"),
        (["download-set-url", "3f9c", "https://example.org/"], 4, "the wsbridge process is not running"),
        (["tail"], 1, "no such file"),
        (["--config", "none.toml", "status"], 78, "none.toml: no such file"),
        (["--run-dir", "", "status"], 78, "run-dir"),
    ],
)
def test_what_cannot_be_done_is_told_on_standard_error(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, words: str
) -> None:
    assert run(arguments) == code
    said = capsys.readouterr()
    assert words in said.err
    assert "Traceback" not in said.err


def test_status_of_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status"]) == 4
    assert capsys.readouterr().out.startswith("pagestatus is not running")
    assert run(["status", "--json"]) == 4
    assert json.loads(capsys.readouterr().out)["state"] == "not running"


def test_summary_without_a_log_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["summary", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert run(["summary"]) == 0
    assert capsys.readouterr().err == "no minute is complete yet\n"


def test_global_options_may_stand_after_the_command(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "minutes.log").write_text('{"minute": "2026-01-31T12:00:00.000Z"}\n')
    for arguments in (
        ["--data-dir", "elsewhere", "summary", "--json"],
        ["summary", "--json", "--data-dir", "elsewhere"],
    ):
        assert run(arguments) == 0
        assert json.loads(capsys.readouterr().out) == [{"minute": "2026-01-31T12:00:00.000Z"}]


def test_a_log_that_may_not_be_read_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> int:
        raise PermissionError(13, "Permission denied", "url_status.log")

    monkeypatch.setattr("pagestatus.ctl.backwards.os.open", refuse)
    assert run(["tail"]) == 1
    assert capsys.readouterr().err == "pagestatus-ctl: url_status.log: Permission denied\n"


def test_processes_of_somebody_else(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "run").mkdir()
    monkeypatch.setattr("pagestatus.ctl.place.os.access", lambda *_arguments: False)
    assert run(["status"]) == 1
    assert "run: permission denied" in capsys.readouterr().err


def test_ctrl_c_is_no_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(group_module, "_invoke", interrupt)
    monkeypatch.setattr(sys, "argv", ["pagestatus-ctl", "status"])
    with pytest.raises(SystemExit) as ended:
        ctl.main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == ""


def test_a_reader_that_leaves_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    line = '{"time":"2026-01-31T12:00:00.000Z","url":"http://a/","bytes":1,"outcome":"ok","final":true}\n'
    (tmp_path / "var" / "url_status.log").write_text(line * 5000)
    command = [sys.executable, "-m", "pagestatus.ctl", "tail", "-n", "5000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141


@pytest.mark.parametrize(("redirection", "code"), [(">&-", 4), ("2>&-", 4), (">/dev/full", 1)])
def test_streams_that_take_nothing_are_no_traceback(redirection: str, code: int) -> None:
    command = f'"$0" -m pagestatus.ctl status {redirection}'
    done = subprocess.run(
        ["/bin/sh", "-c", command, sys.executable], capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert "ignored" not in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == 0
    said = capsys.readouterr().out
    assert "pagestatus-ctl" in said
    assert f"_PAGESTATUS_CTL_COMPLETE={shell}_complete" in said


def complete(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: str) -> list[str]:
    monkeypatch.setenv("_PAGESTATUS_CTL_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", f"pagestatus-ctl {words}")
    monkeypatch.setenv("COMP_CWORD", str(len(f"{words}|".split())))
    with pytest.raises(SystemExit):
        run([])
    return [line.split(",", 1)[1] for line in capsys.readouterr().out.split()]


def test_commands_options_and_targets_are_completed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert complete(monkeypatch, capsys, "su") == ["summary"]
    assert complete(monkeypatch, capsys, "tail --fa") == ["--failures"]
    assert complete(monkeypatch, capsys, "why ex") == []
    (tmp_path / "urls.json").write_text(
        '[{"url": "http://a/", "interval": 60, "name": "example"}, {"url": 3}]'
    )
    assert complete(monkeypatch, capsys, "why ex") == ["example"]
    assert complete(monkeypatch, capsys, "pause http") == ["http://a/"]


def test_json_carries_no_control_character() -> None:
    assert to_json({"url": "\x1b\x7f\x9b\u2028ü"}) == '{"url": "\\u001b\\u007f\\u009b\\u2028\\u00fc"}'


def loaded(program: str) -> set[str]:
    """The modules that are loaded when ``program`` has run, in an interpreter of its own."""
    program = f"import sys\n{program}\nsys.stderr.write(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_the_help_loads_no_command() -> None:
    modules = loaded("from pagestatus.ctl.group import run\nrun(['--help'])")
    assert not modules & {"zmq", "msgspec", "asyncio", "pagestatus.config", "pagestatus.control"}


def test_no_command_loads_what_only_the_processes_need() -> None:
    names = ", ".join(sorted({f"pagestatus.ctl.{module}" for module, _text in COMMANDS.values()}))
    assert not loaded(f"import {names}") & {"zmq", "pycurl", "pycares", "asyncio"}


def test_mistakes_in_the_configuration_do_not_blind_who_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pagestatus.toml").write_text("fetchers = 0\n", encoding="utf-8")
    assert run(["status"]) == 4
    out, err = capsys.readouterr()
    assert out.startswith("pagestatus is not running")
    assert err.splitlines()[0].startswith("pagestatus.toml: fetchers: 0: expected ")
    assert err.splitlines()[1] == "going on without what is wrong there"
