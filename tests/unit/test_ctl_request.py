"""What of a download comes from a file or from standard input, and what is wrong there."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from pagestatus.ctl.group import run

URL = "https://example.org/images/big.iso"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"A: b\n\nsecret\n", "headers:3: expected 'Name: value', in letters of Latin-1"),
        (b"A: b\nCookie: secret\nCOOKIE: secret\n", "headers:3: COOKIE is given twice"),
        (b"A: secret\xff\n", "headers: expected UTF-8"),
    ],
)
def test_what_is_wrong_in_a_file_of_headers(
    content: bytes, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "headers"
    path.write_bytes(content)
    assert run(["download", URL, "--header", f"@{path}"]) == 2
    said = capsys.readouterr().err
    assert f"{tmp_path}/{words}" in said
    assert "secret" not in said


def test_a_file_of_headers_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["download", URL, "--header", f"@{tmp_path}/none"]) == 2
    assert f"{tmp_path}/none: No such file or directory" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "expected a URL"), (b" \n", "expected a URL"), (b"secret\xff\n", "expected a URL in UTF-8")],
)
def test_no_url_on_standard_input(
    content: bytes, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))
    assert run(["download", "-"]) == 2
    said = capsys.readouterr().err
    assert f"pagestatus-ctl: standard input: {words}\n" in said
    assert "secret" not in said


def test_a_shell_that_completes_reads_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may be a pipe: opening it would wait for whoever writes into it."""
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setenv("_PAGESTATUS_CTL_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", f"pagestatus-ctl download --header @{tmp_path}/pipe --thr")
    monkeypatch.setenv("COMP_CWORD", "4")
    with pytest.raises(SystemExit):
        run([])
    assert capsys.readouterr().out == "plain,--threads\n"
