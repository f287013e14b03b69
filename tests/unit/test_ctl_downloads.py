"""Downloads for people: the bar, the words, the table; and what ``download`` takes."""

from __future__ import annotations

import io
import os
from typing import Any

import pytest

from pagestatus.ctl.answers import Download, Trouble
from pagestatus.ctl.group import run
from pagestatus.ctl.progress import LONGEST_SILENCE_S, Bar, Lines
from pagestatus.ctl.show_downloads import (
    SHORTEST_BAR,
    SHORTEST_PLACE,
    bar,
    name_of,
    percent_of,
    show,
    url_of,
    words,
)
from pagestatus.ctl.text import columns

URL = "https://example.org/images/big.iso"
FACTS: dict[str, Any] = {
    "id": "3f9c",
    "url": URL,
    "process_status": "Downloading",
    "size": 734003200,
    "completed": 104857600,
    "progress": 0.143,
    "threads": 8,
    "speed": 52428800,
    "eta": 12,
    "ranges": True,
}


def download(**different: Any) -> Download:  # noqa: ANN401
    return Download(**{**FACTS, **different})


UNKNOWN = {"size": None, "progress": None, "eta": None, "ranges": False, "threads": 1}
DONE = {
    "process_status": "Downloaded",
    "path_to_file": "file:///srv/big%20file.iso",
    "completed": 734003200,
    "progress": 1.0,
    "threads": 0,
    "speed": 0,
    "eta": None,
}


def test_a_bar_of_80_columns() -> None:
    assert bar(download(), 79) == (
        "big.iso  [#           ]   14 % of 700 MiB  50.0 MiB/s      12s left  8 workers "
    )


def test_a_wide_bar_is_not_endless() -> None:
    assert bar(download(), 200) == (
        f"big.iso  [#####{' ' * 33}]   14 % of 700 MiB  50.0 MiB/s      12s left  8 workers "
    )


def test_without_a_size_there_is_no_percent_and_no_bar() -> None:
    assert bar(download(**UNKNOWN), 79) == "big.iso   100 MiB  50.0 MiB/s                1 worker  "
    assert words(download(**UNKNOWN)) == "3f9c big.iso: downloading, 100 MiB, 50.0 MiB/s, 1 worker"


@pytest.mark.parametrize(
    ("state", "word"),
    [
        ("Queued", "queued"),
        ("Checking", "asking the server"),
        ("Paused", "paused"),
        ("Verifying", "verifying"),
        ("of a newer version", "of a newer version"),
    ],
)
def test_what_does_not_move_shows_its_state(state: str, word: str) -> None:
    assert bar(download(process_status=state), 60).endswith(f"]   14 % of 700 MiB  {word}")
    assert words(download(process_status=state)) == f"3f9c big.iso: {word}, 14 % of 700 MiB"


def test_the_words_of_what_runs() -> None:
    assert words(download()) == (
        "3f9c big.iso: downloading, 14 % of 700 MiB, 50.0 MiB/s, 12s left, 8 workers"
    )


@pytest.mark.parametrize("width", [1, 5, 11, 20, 30, 40, 50, 60, 70, 79, 100])
@pytest.mark.parametrize(
    "different",
    [
        {},
        UNKNOWN,
        DONE,
        {"url": f"https://example.org/{'x' * 300}"},
        {"url": "https://example.org/日本語日本語日本語日本語日本語"},
        {"eta": 10**9, "speed": 10**18, "threads": 256, "size": 10**18, "completed": 10**17},
    ],
)
def test_a_bar_fits_every_width(different: dict[str, Any], width: int) -> None:
    assert columns(bar(download(**different), width)) <= width


def test_what_tells_least_is_left_out_first() -> None:
    assert bar(download(), 70) == "big.iso  [##             ]   14 % of 700 MiB  50.0 MiB/s      12s left"
    assert bar(download(), 50) == "big.iso  [#        ]   14 % of 700 MiB  50.0 MiB/s"
    assert bar(download(), 40) == "big.iso  [#          ]   14 % of 700 MiB"


def test_nothing_moves_sideways_while_figures_change() -> None:
    figures = [(0.0, None, None, 1), (0.05, 9, 3599, 9), (0.5, 12_600, 59, 16), (1.0, 10**9, 86_000, 99)]
    bars = [
        bar(download(progress=progress, speed=speed, eta=eta, threads=threads), 100)
        for progress, speed, eta, threads in figures
    ]
    assert len({line.index("]") for line in bars}) == 1
    assert len({line.index("[") for line in bars}) == 1


@pytest.mark.parametrize(
    ("progress", "drawn", "percent"),
    [(0, 0, "0 %"), (0.5, 4, "50 %"), (0.999, 7, "99 %"), (1, 8, "100 %"), (7, 8, "100 %"), (-1, 0, "0 %")],
)
def test_all_of_it_is_drawn_only_when_all_is_there(progress: float, drawn: int, percent: str) -> None:
    one = download(progress=progress, url="https://example.org/0123456789")
    assert percent_of(one) == percent
    line = bar(one, 78)
    assert line.index("]") - line.index("[") == SHORTEST_BAR - 1
    assert line.count("#") == drawn


@pytest.mark.parametrize(
    ("different", "name"),
    [
        ({}, "big.iso"),
        (DONE, "big file.iso"),
        ({"url": "https://example.org/a/b.iso?c=/d#/e"}, "b.iso"),
        ({"url": "https://example.org/"}, "https://example.org/"),
        ({"url": "https://example.org"}, "https://example.org"),
        ({"url": "https://user:secret@example.org/"}, "https://example.org/"),
        ({"url": "https://example.org/%1b%5b2J"}, "\\x1b[2J"),
    ],
)
def test_a_name_is_the_last_part_or_all(different: dict[str, Any], name: str) -> None:
    assert name_of(download(**different)) == name


@pytest.mark.parametrize(
    "url", ["https://user:secret@example.org/x", "//secret@example.org", "http://a@secret@example.org/x@y"]
)
def test_no_user_name_or_password_is_shown(url: str) -> None:
    assert "secret" not in url_of(download(url=url))
    assert "example.org" in url_of(download(url=url))


def test_the_table() -> None:
    failed = download(
        id="77aa", process_status="Failed", threads=0, error=Trouble("needs_url", "the link has expired")
    )
    queued = download(id="0b1c", process_status="Queued", completed=0, **{**UNKNOWN, "threads": 0})
    assert show([download(), download(id="51e0", **DONE), failed, queued], 80) == [
        "ID    STATE         DONE     SIZE       SPEED  LEFT  WORKERS  NAME",
        "3f9c  Downloading   14 %  700 MiB  50.0 MiB/s   12s        8  big.iso",
        "51e0  Downloaded   100 %  700 MiB                             big file.iso",
        "77aa  Failed        14 %  700 MiB                             big.iso",
        "  the link has expired",
        "0b1c  Queued         0 B        -                             big.iso",
    ]


def test_with_room_the_table_says_where_things_are() -> None:
    head = "ID    STATE         DONE     SIZE       SPEED  LEFT  WORKERS  NAME"
    moving = "3f9c  Downloading   14 %  700 MiB  50.0 MiB/s   12s        8  big.iso"
    done = "51e0  Downloaded   100 %  700 MiB                             big file.iso"
    lines = [
        f"{head}          PLACE",
        f"{moving}       https://example.org/images/big.iso",
        f"{done}  /srv/big file.iso",
    ]
    both = [download(), download(id="51e0", **DONE)]
    assert show(both, 10_000) == lines
    assert show(both, columns(lines[1])) == lines
    least = columns(done) + 2 + SHORTEST_PLACE
    assert show(both, least)[1] == f"{moving}       https://exampl…/images/big.iso"
    assert show(both, least - 1) == [head, moving, done]


def test_where_a_file_lies_is_told_whole_or_not_at_all() -> None:
    path = f"/srv/{'x' * 60}/big.iso"
    done = download(**{**DONE, "path_to_file": f"file://{path}"})
    long = download(url=f"https://example.org/{'x' * 200}/big.iso")
    told = show([long, done], 150)
    assert told[2].endswith(f"big.iso  {path}")
    assert columns(told[1]) <= 150
    assert path not in "".join(show([long, done], columns(told[2]) - 1))


def test_the_table_fits_80_columns_and_steers_no_terminal() -> None:
    nasty = download(
        id="\x1b[2J",
        process_status="\x1b]0;x\x07",
        url="https://example.org/\x1b[2J" + "x" * 200,
        error=Trouble("\x9b", "\x1b[2J" + "y" * 200),
    )
    lines = [*show([nasty], 80), words(nasty), bar(nasty, 80)]
    assert all(line.isprintable() for line in lines)
    assert all(columns(line) <= 80 for line in [*show([download()], 80), bar(nasty, 80)])


def test_in_a_pipe_there_is_a_line_when_the_state_changes_and_every_ten_seconds() -> None:
    lines = Lines()
    checking, loading = download(process_status="Checking"), download()
    told = [
        lines.is_due(one, now)
        for one, now in [
            (checking, 100.0),
            (checking, 100.2),
            (loading, 100.4),
            (loading, 100.4 + LONGEST_SILENCE_S - 0.1),
            (loading, 100.4 + LONGEST_SILENCE_S),
            (loading, 100.6 + LONGEST_SILENCE_S),
            (checking, 100.7 + LONGEST_SILENCE_S),
        ]
    ]
    assert told == [True, False, True, False, True, False, True]


def test_a_bar_is_drawn_over_itself_and_made_room_for_what_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    monkeypatch.setattr("pagestatus.ctl.progress.terminal_size", lambda _stream: os.terminal_size((50, 24)))
    drawn = f"\r{bar(download(), 47)}\x1b[K"
    shown = Bar()
    shown.say("first")
    shown.show(download(), 1.0)
    shown.show(download(), 2.0)
    shown.say("\x1bnext")
    shown.end()
    shown.end()
    assert written.getvalue() == f"first\n{drawn}{drawn}\r\x1b[K\\x1bnext\n{drawn}\n"


def test_while_nobody_knows_where_it_is_no_figures_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    monkeypatch.setattr("pagestatus.ctl.progress.terminal_size", lambda _stream: os.terminal_size((50, 24)))
    drawn = f"\r{bar(download(), 47)}\x1b[K"
    shown = Bar()
    shown.show(download(), 1.0)
    shown.wait("waiting")
    shown.say("next")
    shown.wait("w" * 80)
    shown.show(download(), 2.0)
    waiting = "\rwaiting\x1b[K"
    assert written.getvalue() == f"{drawn}{waiting}\r\x1b[Knext\n{waiting}\r{'w' * 46}…\x1b[K{drawn}"


def test_in_a_pipe_it_is_said_once_that_it_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    shown = Lines()
    shown.wait("waiting")
    shown.wait("waiting")
    shown.show(download(process_status="Paused"), 1.0)
    shown.wait("waiting")
    assert capsys.readouterr().err == f"waiting\n{words(download(process_status='Paused'))}\nwaiting\n"


@pytest.mark.parametrize("width", [10, 40, 80, 132])
def test_a_terminal_has_room_to_echo_ctrl_c_after_the_bar(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    monkeypatch.setattr(
        "pagestatus.ctl.progress.terminal_size", lambda _stream: os.terminal_size((width, 24))
    )
    shown = Bar()
    shown.show(download(url=f"https://example.org/{'x' * 200}"), 1.0)
    shown.wait("w" * 200)
    lines = written.getvalue().replace("\x1b[K", "").split("\r")[1:]
    assert len(lines) == 2
    assert all(columns(f"{line}^C") < width for line in lines)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Missing argument 'URL'"),
        ([URL, "--sha256", "12"], "expected 64 hexadecimal digits"),
        ([URL, "--threads", "0"], "0 is not in the range"),
        ([URL, "--header", "secret"], "expected 'Name: value'"),
        ([URL, "--header", "a b: secret"], "expected 'Name: value'"),
        ([URL, "--header", "a: secret\r\nb: c"], "expected 'Name: value'"),
        ([URL, "--header", "a: secret", "--header", "A: secret"], "A is given twice"),
        ([URL, "--header", "a: secret\u20ac"], "in letters of Latin-1"),
        ([URL, "--header", "a :secret"], "expected 'Name: value'"),
        ([URL, "--header", "a:"], "expected 'Name: value'"),
    ],
)
def test_what_can_not_be_asked_for(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["download", *arguments]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert "secret" not in said
