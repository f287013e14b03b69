"""Nothing that a stranger wrote steers the terminal of who looks, or passes for a line of ours.

Letter by letter: ``test_ctl_text``, ``test_pagestatus_logs`` and ``test_pagestatus_quoting`` in ``unit``.
"""

from __future__ import annotations

import json

import pytest

from bridge_client import BridgeClient
from downloads import CONTENT, arrived, fetched, place_of, trouble_of
from hostile import ESCAPES, RESPONSE, TOKEN, own_logs, steering, with_token
from page_site import PageSite, always, honest
from raw_site import redirect
from system import System, eventually

LOOKING = [
    ("status",),
    ("summary",),
    ("inflight",),
    ("failures", "-n", "20"),
    ("tail", "-n", "20"),
    ("downloads",),
]


@pytest.fixture(scope="module", autouse=True)
def seen(system: System, hostile_url: str, pages: PageSite) -> None:
    """The page has been checked, a file has come with such a name, and others failed with such words."""
    system.until_checked(1)
    eventually(lambda: json.dumps(hostile_url) in system.said(), "its line is in the log")
    name = "".join(letter for letter in ESCAPES if letter not in "\r\n\0").encode().decode("latin-1")
    elsewhere = redirect("http://nowhere.test\x1b[2J\u202e/")
    with system.connect(**with_token(TOKEN)) as client:
        there = fetched(
            client, pages.add(honest(CONTENT, f'Content-Disposition: attachment; filename="{name}"'))
        )
        assert arrived(there) == CONTENT
        assert not steering(place_of(there).name)
        assert trouble_of(fetched(client, pages.add(always(RESPONSE)))) == "http_status"
        assert trouble_of(fetched(client, pages.add(always(elsewhere)))) == "bad_url"


def test_looking_is_safe(system: System, hostile_url: str) -> None:
    for arguments in (*LOOKING, ("why", hostile_url), ("failures", hostile_url)):
        for more in ((), ("--json",)):
            done = system.ctl(*arguments, *more)
            assert done.returncode == 0, done.stderr
            assert not steering(done.stdout + done.stderr), arguments


@pytest.mark.parametrize(
    "arguments",
    [
        ("why", ESCAPES[:-2]),
        ("pause", ESCAPES[:-2]),
        ("download", ESCAPES[:-2]),
        ("download-pause", ESCAPES[:-2]),
    ],
    ids=lambda arguments: str(arguments[0]),
)
def test_a_mistake_does_not_repeat_it(system: System, arguments: tuple[str, str]) -> None:
    """``ESCAPES`` without its NUL, which no command line can hold."""
    command, text = arguments
    done = system.ctl(command, text.replace("\0", ""))
    assert done.returncode != 0
    assert not steering(done.stdout + done.stderr)


def test_the_logs_are_safe_to_read(system: System) -> None:
    assert not steering(own_logs(system))
    assert "\n2026-01-31T00:00:00.000Z" not in own_logs(system)


def test_the_log_of_results_is_ascii_and_says_what_was_asked(system: System, hostile_url: str) -> None:
    said = system.said()
    assert said.isascii()
    lines = [json.loads(line) for line in said.splitlines(keepends=True) if line.endswith("\n")]
    assert {line["reason"] for line in lines if line["url"] == hostile_url} == {"http_status"}


def test_clients_of_the_websocket_get_json_alone(client: BridgeClient, system: System) -> None:
    client.send({"action": "list"})
    message = client.websocket.recv(10)
    assert isinstance(message, str)
    assert message.isascii()
    assert not steering(message)
    assert system.state() == "running"
