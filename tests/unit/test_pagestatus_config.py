"""The configuration: every key by every way, and every mistake with where, what and what instead."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from pagestatus import addresses
from pagestatus.config import LONGEST_TOKEN, MOST_FETCHERS, Config, ConfigMistakes, load
from pagestatus.quoting import quoted

# Key; its default; then what stands in the file, in the environment and on the command line, with what
# becomes of each.
Row = tuple[str, object, tuple[str, object], tuple[str, object], tuple[object, object]]
KEYS: list[Row] = [
    ("urls", "<here>/urls.json", ('"a"', "<here>/a"), ("b.json", "<here>/b.json"), (Path("/c"), "/c")),
    ("data_dir", "<here>/var", ('"data"', "<here>/data"), ("/data", "/data"), (Path("d"), "<here>/d")),
    ("run_dir", "<tmp>", ('"/run/a"', "/run/a"), ("/run/b", "/run/b"), (Path("/run/c"), "/run/c")),
    ("fetchers", os.cpu_count(), ("1", 1), ("256", 256), (3, 3)),
    ("slots", 2000, ("1", 1), ("1000000", 1_000_000), (3, 3)),
    ("check.timeout", 10.0, ("3", 3.0), ("250ms", 0.25), (86_400, 86_400.0)),
    ("check.connect_timeout", 5.0, ('"1m"', 60.0), ("2.5", 2.5), (1.5, 1.5)),
    ("check.retries", 2, ("0", 0), ("20", 20), (3, 3)),
    ("check.retry_interval", 1.0, ("0.001", 0.001), ("1d", 86_400.0), (3, 3.0)),
    ("check.per_host", 32, ("0", 0), ("1000000", 1_000_000), (3, 3)),
    ("check.backoff_max", 4, ("1", 1), ("200", 200), (3, 3)),
    ("check.max_bytes", 64 << 20, ('"1 KiB"', 1024), ("4MB", 4_000_000), (3, 3)),
    ("check.keep_alive", False, ("true", True), ("yes", True), (True, True)),
    ("check.user_agent", "pagestatus", ('"a"', "a"), ("b (c; d)", "b (c; d)"), ("", "")),
    ("check.name_servers", (), ('["::1", "[::1]:53"]', ("::1", "[::1]:53")),
     ("1.2.3.4, 127.0.0.1:5353,", ("1.2.3.4", "127.0.0.1:5353")), (["::1"], ("::1",))),
    ("check.ca_file", None, ('"<pem>"', "<pem>"), ("<pem>", "<pem>"), (Path("<pem>"), "<pem>")),
    ("log.fsync_ms", 100, ("-1", -1), ("0", 0), (60_000, 60_000)),
    ("log.mode", "all", ('"changes"', "changes"), ("failures", "failures"), ("all", "all")),
    ("log.max_bytes", 256 << 20, ("1", 1), ("1 GiB", 1 << 30), (3, 3)),
    ("log.keep", 8, ("0", 0), ("1000", 1000), (3, 3)),
    ("downloads.dir", None, ('"a"', "<here>/a"), ("b", "<here>/b"), (Path("/c"), "/c")),
    ("downloads.threads", 8, ("1", 1), ("256", 256), (3, 3)),
    ("downloads.bytes", 4 << 20, ("1", 1), ("8 MiB", 8 << 20), (3, 3)),
    ("downloads.broadcast_interval", 1.0, ("0.5", 0.5), ("2s", 2.0), (3, 3.0)),
    ("downloads.active", 4, ("1", 1), ("9", 9), (3, 3)),
    ("downloads.per_host", 16, ("1", 1), ("9", 9), (3, 3)),
    ("downloads.allow_private", False, ("true", True), ("1", True), (True, True)),
    ("downloads.retries", 10, ("0", 0), ("1000", 1000), (3, 3)),
    ("downloads.retry_interval", 1.0, ("0.5", 0.5), ("2s", 2.0), (3, 3.0)),
    ("downloads.stall_timeout", 20.0, ("0.5", 0.5), ("2s", 2.0), (3, 3.0)),
    ("websocket.host", "127.0.0.1", ('"::1"', "::1"), ("127.9.9.9", "127.9.9.9"), ("localhost", "localhost")),
    ("websocket.port", 8888, ("1", 1), ("65535", 65_535), (3, 3)),
    ("websocket.token", None, ('"null"', "null"), ("null", "null"), ("t", "t")),
    ("websocket.token_file", None, ('"token"', "<token>"), ("./token", "<token>"),
     (Path("<token>"), "<token>")),
    ("websocket.origins", (), ('["http://a"]', ("http://a",)), ("http://a,null,*", ("http://a", "null", "*")),
     ([], ())),
]  # fmt: skip

SECRET = "hunter2"  # noqa: S105 - the oldest one


class Place:
    """A working directory with a configuration file in it, and an environment of its own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.pem = folder / "ca.pem"
        self.pem.write_text("-----BEGIN CERTIFICATE-----\n")
        self.token = folder / "token"
        self.token.write_text(f"{SECRET}\n")
        self._monkeypatch = monkeypatch
        monkeypatch.chdir(folder)
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
        for name in [name for name in os.environ if name.startswith("PAGESTATUS_")]:
            monkeypatch.delenv(name)

    def file(self, content: str | bytes, name: str = "pagestatus.toml") -> Path:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def environment(self, **variables: str) -> None:
        for name, value in variables.items():
            self._monkeypatch.setenv(name, value)

    def mistakes(self, **flags: object) -> list[str]:
        """The lines that a start with these flags (and the file, and the environment) gets."""
        with pytest.raises(ConfigMistakes) as mistakes:
            load(flags)
        assert str(mistakes.value) == "\n".join(mistakes.value.lines)
        assert all(line.isprintable() and len(line) < 400 for line in mistakes.value.lines)
        return mistakes.value.lines

    def meant(self, value: object) -> Any:  # noqa: ANN401 - whatever stands in the table
        """A value of the tables with the folders of this test in it."""
        if isinstance(value, Path):
            return Path(str(self.meant(str(value))))
        if not isinstance(value, str):
            return value
        value = value.replace("<pem>", str(self.pem)).replace("<token>", str(self.token))
        return value.replace("<here>", str(self.folder)).replace("<tmp>", str(self.folder / "pagestatus"))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(tmp_path, monkeypatch)


def value_of(config: Config, key: str) -> object:
    found: object = config
    for part in key.split("."):
        found = getattr(found, part)
    return str(found) if isinstance(found, Path) else found


def keys(section: Struct, prefix: str = "") -> Iterator[str]:
    for field in section.__struct_fields__:
        value = getattr(section, field)
        if isinstance(value, Struct):
            yield from keys(value, f"{prefix}{field}.")
        else:
            yield prefix + field


def variable(key: str) -> str:
    return "PAGESTATUS_" + key.upper().replace(".", "_")


def toml(key: str, value: str) -> str:
    section, _, name = key.rpartition(".")
    return f"[{section}]\n{name} = {value}\n" if section else f"{name} = {value}\n"


# --- what beats what -------------------------------------------------------------------------------------


def test_every_key_is_in_the_table_here_with_its_default(place: Place) -> None:
    defaults = {key: value_of(load(), key) for key in keys(load())}
    assert defaults == {key: place.meant(default) for key, default, *_ in KEYS}


@pytest.mark.parametrize("row", KEYS, ids=lambda row: row[0])
def test_a_flag_beats_the_environment_beats_the_file_beats_the_default(place: Place, row: Row) -> None:
    key, default, file, environment, flag = row
    assert value_of(load({key: None}), key) == place.meant(default)
    place.file(toml(key, place.meant(file[0])))
    assert value_of(load(), key) == place.meant(file[1])
    place.environment(**{variable(key): place.meant(environment[0])})
    assert value_of(load(), key) == place.meant(environment[1])
    assert value_of(load({key: place.meant(flag[0])}), key) == place.meant(flag[1])


def test_a_path_in_the_file_starts_from_the_files_folder(place: Place) -> None:
    (place.folder / "etc").mkdir()
    place.file('urls = "list.json"\nrun_dir = "~/run"', "etc/other.toml")
    config = load({"config": Path("etc/other.toml")})
    assert config.urls == place.folder / "etc" / "list.json"
    assert config.run_dir == Path.home() / "run"


def test_the_file_can_be_named_by_the_environment_and_better_by_a_flag(place: Place) -> None:
    place.file("fetchers = 1")
    place.file("fetchers = 2", "two.toml")
    place.file("fetchers = 3", "three.toml")
    place.environment(PAGESTATUS_CONFIG="two.toml")
    assert load().fetchers == 2
    assert load({"config": Path("three.toml")}).fetchers == 3
    place.environment(PAGESTATUS_CONFIG="")
    assert load().fetchers == 1


@pytest.mark.parametrize("text", ["true", "True", "1", "yes", "YES"])
def test_yes_in_the_environment(place: Place, text: str) -> None:
    place.environment(PAGESTATUS_CHECK_KEEP_ALIVE=text)
    assert load().check.keep_alive is True


@pytest.mark.parametrize("text", ["false", "FALSE", "0", "no"])
def test_no_in_the_environment(place: Place, text: str) -> None:
    place.file("[check]\nkeep_alive = true")
    place.environment(PAGESTATUS_CHECK_KEEP_ALIVE=text)
    assert load().check.keep_alive is False


def test_a_byte_order_mark_is_no_mistake(place: Place) -> None:
    place.file(b"\xef\xbb\xbffetchers = 3")
    assert load().fetchers == 3


def test_a_machine_with_more_cores_than_fetchers_can_be(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 384)
    place.environment(PAGESTATUS_SLOTS="1")
    assert load().fetchers == MOST_FETCHERS


def test_sockets_are_in_the_temporary_folder_where_there_is_no_runtime_folder(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: "/ram")
    for runtime in ("", str(place.folder / "no-such")):
        place.environment(XDG_RUNTIME_DIR=runtime)
        assert addresses.default_run_dir() == Path(f"/ram/pagestatus-{os.geteuid()}")


# --- mistakes --------------------------------------------------------------------------------------------

SECONDS = 'expected seconds, such as 30, "30s", "5m" or "1h"'
TOML = "expected a configuration in TOML"
SIZE = 'expected bytes, such as 4194304 or "4 MiB"'
SERVER = "expected an address, with a port or without, such as 127.0.0.1:5353, ::1 or [::1]:53"

# What stands in the file, and the line after the file's name.
IN_THE_FILE: list[tuple[str, str]] = [
    ("fetchers = 0", "fetchers: 0: expected `int` >= 1"),
    ("fetchers = -1", "fetchers: -1: expected `int` >= 1"),
    ("fetchers = 257", "fetchers: 257: expected `int` <= 256"),
    ("fetchers = 2.0", "fetchers: 2.0: expected `int`, got `float`"),
    ("fetchers = true", "fetchers: True: expected `int`, got `bool`"),
    ("fetchers = []", "fetchers: []: expected `int`, got `array`"),
    ("fetchers = 2026-01-31", "fetchers: datetime.date(2026, 1, 31): expected `int`, got `date`"),
    (f"fetchers = {'9' * 100}", f"fetchers: {'9' * 79}…: expected `int` <= 256"),
    ('fetchers = "many"', "fetchers: 'many': expected `int`, got `str`"),
    ('fetchers = "null"', "fetchers: 'null': expected `int`, got `str`"),
    ("fetchers = {}", "fetchers: a table: expected `int`, got `object`"),
    ("[fetchers]\nn = 1", "fetchers.n: 1: unknown key, expected perhaps fetchers"),
    ("slots = 1000001", "slots: 1000001: expected `int` <= 1000000"),
    ("[check]\ntimeout = 0", "check.timeout: 0: expected `float` > 0.0"),
    ("[check]\ntimeout = -0.5", "check.timeout: -0.5: expected `float` > 0.0"),
    ("[check]\ntimeout = 86401", "check.timeout: 86401: expected `float` <= 86400.0"),
    ("[check]\ntimeout = nan", "check.timeout: nan: expected `float` > 0.0"),
    ("[check]\ntimeout = inf", "check.timeout: inf: expected `float` <= 86400.0"),
    ("[check]\ntimeout = 1e400", "check.timeout: inf: expected `float` <= 86400.0"),
    ("[check]\ntimeout = true", "check.timeout: True: expected `float`, got `bool`"),
    ('[check]\ntimeout = "soon"', f"check.timeout: 'soon': {SECONDS}"),
    ('[check]\ntimeout = "0s"', "check.timeout: '0s': expected `float` > 0.0"),
    ("[check]\nretries = 21", "check.retries: 21: expected `int` <= 20"),
    ("[check]\nper_host = -1", "check.per_host: -1: expected `int` >= 0"),
    ("[check]\nbackoff_max = 0", "check.backoff_max: 0: expected `int` >= 1"),
    ("[check]\nkeep_alive = 1", "check.keep_alive: 1: expected `bool`, got `int`"),
    ('[check]\nkeep_alive = "perhaps"', "check.keep_alive: 'perhaps': expected `bool`, got `str`"),
    # Each of these would stand in a header of every request.
    ('[check]\nuser_agent = "a\\r\\nb: c"', r"check.user_agent: 'a\r\nb: c': expected printable ASCII"),
    ('[check]\nuser_agent = "a\\n"', r"check.user_agent: 'a\n': expected printable ASCII"),
    ('[check]\nuser_agent = "é"', r"check.user_agent: '\xe9': expected printable ASCII"),
    ("[check]\nuser_agent = 3", "check.user_agent: 3: expected `str`, got `int`"),
    ("[check]\nname_servers = 3", "check.name_servers: 3: expected `array`, got `int`"),
    ("[check]\nname_servers = [3]", "check.name_servers: [3]: expected `str`, got `int` - at `$[0]`"),
    ("[check]\nname_servers = ['::1', '']", f"check.name_servers: '': {SERVER}"),
    ("[check]\nname_servers = 'ns.test'", f"check.name_servers: 'ns.test': {SERVER}"),
    ("[check]\nca_file = 3", "check.ca_file: 3: expected a path"),
    ("[check]\nca_file = '/no'", "check.ca_file: '/no': expected a file of certificates in PEM"),
    ("[check]\nca_file = '/dev/null'", "check.ca_file: '/dev/null': expected a file of certificates in PEM"),
    ("[check]\nca_file = '/'", "check.ca_file: '/': expected a file of certificates in PEM"),
    ("[check.timeout]\nvalue = 1", "check.timeout: a table: expected `float`, got `object`"),
    ("[log]\nfsync_ms = -2", "log.fsync_ms: -2: expected `int` >= -1"),
    ('[log]\nmode = "some"', "log.mode: 'some': expected one of all, changes, failures"),
    ("[log]\nmode = 1", "log.mode: 1: expected one of all, changes, failures"),
    ("[log]\nmax_bytes = 0", "log.max_bytes: 0: expected `int` >= 1"),
    ('[log]\nmax_bytes = "much"', f"log.max_bytes: 'much': {SIZE}"),
    ('[log]\nmax_bytes = "0.5"', "log.max_bytes: '0.5': expected `int` >= 1"),
    ('[log]\nmax_bytes = "999999999999999 GiB"',
     f"log.max_bytes: '999999999999999 GiB': expected `int` <= {1 << 50}"),
    ("[websocket]\nport = 0", "websocket.port: 0: expected `int` >= 1"),
    ("[websocket]\nport = 65536", "websocket.port: 65536: expected `int` <= 65535"),
    ("urls = ''", "urls: '': expected a path"),
    ('urls = "a\\u0000b"', r"urls: 'a\x00b': expected a path"),
    ("urls = 3", "urls: 3: expected a path"),
    ("urls = '~no-such-user/a'", "urls: '~no-such-user/a': expected the home of a user that exists"),
    ("check = 3", "check: 3: expected a table, [check]"),
    ("check = []", "check: []: expected a table, [check]"),
    ("[[log]]\nkeep = 1", "log: a table: expected a table, [log]"),
    ("[check]\ntimeot = 3", "check.timeot: 3: unknown key, expected perhaps check.timeout"),
    ("xyzzy = 3", "xyzzy: 3: unknown key, expected one of those in the README"),
    ("[xyzzy]", "xyzzy: a table: unknown key, expected one of those in the README"),
    ("[xyzzy]\na = 1", "xyzzy.a: 1: unknown key, expected one of those in the README"),
    (f"xyzzy = '{'x' * 1000}'", f"xyzzy: '{'x' * 78}…: unknown key, expected one of those in the README"),
    ("fetchers = ", "Invalid value (at end of document), " + TOML),
    ("a = 1 2", "Expected newline or end of document after a statement (at line 1, column 7), " + TOML),
    (f"a = {'[' * 10_000}", "nested too deeply, " + TOML),
]  # fmt: skip


@pytest.mark.parametrize(("content", "line"), IN_THE_FILE)
def test_a_mistake_in_the_file(place: Place, content: str, line: str) -> None:
    place.file(content)
    assert place.mistakes() == [f"pagestatus.toml: {line}"]


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("PAGESTATUS_FETCHERS", "", "'': expected `int`, got `str`"),
        ("PAGESTATUS_FETCHERS", "nan", "'nan': expected `int`, got `str`"),
        ("PAGESTATUS_FETCHERS", "257", "'257': expected `int` <= 256"),
        ("PAGESTATUS_CHECK_TIMEOUT", "", f"'': {SECONDS}"),
        ("PAGESTATUS_CHECK_TIMEOUT", "nan", f"'nan': {SECONDS}"),
        ("PAGESTATUS_CHECK_TIMEOUT", "-1", f"'-1': {SECONDS}"),
        ("PAGESTATUS_LOG_MAX_BYTES", "9" * 1000, f"'{'9' * 78}…: {SIZE}"),
        ("PAGESTATUS_CHECK_KEEP_ALIVE", "", "'': expected `bool`, got `str`"),
        ("PAGESTATUS_CHECK_NAME_SERVERS", "::1,1.2.3", f"'1.2.3': {SERVER}"),
        ("PAGESTATUS_URLS", "", "'': expected a path"),
        ("PAGESTATUS_LOG_MODE", "ALL", "'ALL': expected one of all, changes, failures"),
        ("PAGESTATUS_CHEK_TIMEOUT", "1", "'1': unknown key, expected perhaps PAGESTATUS_CHECK_TIMEOUT"),
        ("PAGESTATUS_XYZZY", "1", "'1': unknown key, expected one of those in the README"),
    ],
)
def test_a_mistake_in_the_environment(place: Place, name: str, value: str, line: str) -> None:
    place.environment(**{name: value})
    assert place.mistakes() == [f"environment: {name}: {line}"]


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("fetchers", 0, "--fetchers: 0: expected `int` >= 1"),
        ("check.name_servers", ["::1:port"], f"--check.name-servers: '::1:port': {SERVER}"),
        ("check.timeout", "x", f"--check.timeout: 'x': {SECONDS}"),
        ("run_dir", "~no-such-user", "--run-dir: '~no-such-user': expected the home of a user that exists"),
    ],
)
def test_a_mistake_on_the_command_line(place: Place, key: str, value: object, line: str) -> None:
    assert place.mistakes(**{key: value}) == [f"command line: {line}"]


def test_other_variables_and_flags_are_none_of_our_business(place: Place) -> None:
    place.environment(
        PAGESTATUS_TEST_SLOWNESS="3", PAGESTATUS_TEST_LONG="1", PAGESTATUSX="1", MY_PAGESTATUS_URLS="x"
    )
    assert load({"log_file": True, "config": None}) == load()


def test_a_file_that_was_named_must_exist(place: Place) -> None:
    problem = "no-such.toml: no such file, expected a configuration in TOML"
    assert place.mistakes(config=Path("no-such.toml")) == [problem]
    place.environment(PAGESTATUS_CONFIG="no-such.toml")
    assert place.mistakes() == [problem]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\xff\xfe", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
        (b"fetchers = " + b"9" * 5000, "Exceeds the limit"),
    ],
)
def test_a_file_that_is_no_toml(place: Place, content: bytes, problem: str) -> None:
    place.file(content)
    (line,) = place.mistakes()
    assert line.startswith(f"pagestatus.toml: {problem}")
    assert line.endswith(", expected a configuration in TOML")


def test_a_folder_is_no_file(place: Place) -> None:
    (place.folder / "pagestatus.toml").mkdir()
    assert place.mistakes() == ["pagestatus.toml: Is a directory, expected a configuration in TOML"]


def test_all_mistakes_are_told_at_once_weakest_source_first(place: Place) -> None:
    place.file('fetchers = 0\ncheck = 1\n[log]\nkep = 1\nmode = "x"\n[websocket]\nport = 0')
    place.environment(
        PAGESTATUS_FETCHERS="0",
        PAGESTATUS_XYZZY="1",
        PAGESTATUS_CHECK_CA_FILE="/no/such",
        PAGESTATUS_SLOTS="5",
    )
    assert place.mistakes(slots=0) == [
        "pagestatus.toml: fetchers: 0: expected `int` >= 1",
        "pagestatus.toml: check: 1: expected a table, [check]",
        "pagestatus.toml: log.kep: 1: unknown key, expected perhaps log.keep",
        "pagestatus.toml: log.mode: 'x': expected one of all, changes, failures",
        "pagestatus.toml: websocket.port: 0: expected `int` >= 1",
        "environment: PAGESTATUS_FETCHERS: '0': expected `int` >= 1",
        "environment: PAGESTATUS_XYZZY: '1': unknown key, expected one of those in the README",
        "command line: --slots: 0: expected `int` >= 1",
        "environment: PAGESTATUS_CHECK_CA_FILE: '/no/such': expected a file of certificates in PEM",
    ]


# --- secrets ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        f"[websocket]\ntoken = ['{SECRET}']",
        f"[websocket]\ntokn = '{SECRET}'",
        f"[websocket]\nTOKEN = '{SECRET}'",
        f"[websocket.token]\nvalue = '{SECRET}'",
        f"websocket = ['{SECRET}']",
        f"[[websocket]]\ntoken = '{SECRET}'",
        f"token = '{SECRET}'",
        f"[websocket]\npassword = '{SECRET}'",
        f"[socket]\nsecret = '{SECRET}'",
        f"[socket.inner]\ntoken = '{SECRET}'",
        f"urls = ['http://user:{SECRET}@host/']",
    ],
)
def test_a_mistake_in_the_file_does_not_show_a_secret(place: Place, content: str) -> None:
    place.file(content)
    assert SECRET not in "".join(place.mistakes())


@pytest.mark.parametrize("name", ["WEBSOCKET_TOKN", "TOKEN", "WEBSOCKET_TOKENS", "WEB_TOKEN", "PASSWORD"])
def test_a_mistake_in_the_environment_does_not_show_a_secret(place: Place, name: str) -> None:
    place.environment(**{f"PAGESTATUS_{name}": SECRET})
    assert SECRET not in "".join(place.mistakes())


def test_an_empty_token_is_a_mistake_and_no_open_door(place: Place) -> None:
    place.environment(PAGESTATUS_WEBSOCKET_TOKEN="")
    assert place.mistakes() == [
        "environment: PAGESTATUS_WEBSOCKET_TOKEN: (not shown): expected `str` of length >= 1"
    ]


def test_where_a_token_file_is_is_no_secret(place: Place) -> None:
    place.file("[websocket]\ntoken_file = 3")
    assert place.mistakes() == ["pagestatus.toml: websocket.token_file: 3: expected a path"]


# --- who may connect -------------------------------------------------------------------------------------

OPEN = "expected websocket.token or websocket.token_file beside it, or a loopback address"
ORIGIN = 'expected an origin, such as https://example.com or http://localhost:3000, "null" or "*"'
UNREADABLE = "expected a file that can be read, with a token in it"
LENGTH = f"expected a token of 1 to {LONGEST_TOKEN} bytes"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.0.1", "example.com", "127.1", "[::1]"])  # noqa: S104
def test_a_host_that_others_reach_needs_a_token(place: Place, host: str) -> None:
    place.file(f"[websocket]\nhost = '{host}'")
    assert place.mistakes() == [f"pagestatus.toml: websocket.host: {host!r}: {OPEN}"]
    assert load({"websocket.token": SECRET}).websocket.read_token() == SECRET
    assert load({"websocket.token_file": place.token}).websocket.read_token() == SECRET


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", "LOCALHOST"])
def test_a_host_that_only_this_machine_reaches_needs_none(place: Place, host: str) -> None:
    place.file(f"[websocket]\nhost = '{host}'")
    assert load().websocket.read_token() is None


def test_two_tokens_are_one_too_many(place: Place) -> None:
    place.environment(PAGESTATUS_WEBSOCKET_TOKEN=SECRET)
    place.file("[websocket]\ntoken_file = 'token'")
    expected = "expected websocket.token or websocket.token_file, not both"
    assert place.mistakes() == [
        f"pagestatus.toml: websocket.token_file: {quoted(str(place.token))}: {expected}"
    ]


@pytest.mark.parametrize(
    ("content", "token"),
    [
        (b"hunter2", "hunter2"),
        (b"hunter2\n", "hunter2"),
        (b"hunter2\r\n", "hunter2"),
        (b"hunter2\n\n", "hunter2\n"),
        (b" hunter 2 ", " hunter 2 "),
        ("pässwort\n".encode(), "pässwort"),
        (b"x" * LONGEST_TOKEN + b"\r\n", "x" * LONGEST_TOKEN),
    ],
)
def test_a_token_file(place: Place, content: bytes, token: str) -> None:
    place.token.write_bytes(content)
    assert load({"websocket.token_file": place.token}).websocket.read_token() == token


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", LENGTH),
        (b"\n", LENGTH),
        (b"\r\n", LENGTH),
        (b"x" * (LONGEST_TOKEN + 1), LENGTH),
        (b"x" * 100_000, LENGTH),
        (b"hunter2\xff", "expected a token in UTF-8"),
    ],
)
def test_a_file_without_a_token(place: Place, content: bytes, expected: str) -> None:
    place.token.write_bytes(content)
    line = f"command line: --websocket.token-file: '{place.token}': {expected}"
    assert place.mistakes(**{"websocket.token_file": place.token}) == [line]


def test_a_token_file_that_can_not_be_read(place: Place) -> None:
    pipe, locked = place.folder / "pipe", place.folder / "loop"
    os.mkfifo(pipe)
    locked.symlink_to(locked)
    for path in (place.folder / "none", place.folder, pipe, locked):
        place.environment(PAGESTATUS_WEBSOCKET_TOKEN_FILE=str(path))
        variable_name = "environment: PAGESTATUS_WEBSOCKET_TOKEN_FILE"
        assert place.mistakes() == [f"{variable_name}: '{path}': {UNREADABLE}"]


def test_origins(place: Place) -> None:
    good = [
        "https://Example.com/",
        "http://localhost:3000",
        "http://[::1]:80",
        "moz-extension://a-b",
        "null",
        "*",
    ]
    bad = ["example.com", "https://h/path", "https://user:secret@h", "http://h:x", "", "Null", "http://*.h"]
    place.file(f"[websocket]\norigins = {good + bad}")
    shown = ["'https://…@h'" if "@" in origin else repr(origin) for origin in bad]
    assert place.mistakes() == [f"pagestatus.toml: websocket.origins: {origin}: {ORIGIN}" for origin in shown]


def test_a_host_and_a_token_from_different_places(place: Place) -> None:
    place.file("[websocket]\nhost = '0.0.0.0'")
    place.environment(PAGESTATUS_WEBSOCKET_TOKEN=SECRET)
    assert load().websocket.read_token() == SECRET


def test_it_can_not_be_changed() -> None:
    with pytest.raises(AttributeError):
        Config().fetchers = 3  # type: ignore[misc]
    variables: Mapping[str, object] = msgspec.structs.asdict(Config())
    assert set(variables) == {key.partition(".")[0] for key, *_ in KEYS}
