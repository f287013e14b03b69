"""The configuration: every key with its type, its range and its default, and where a value came from.

A flag beats an environment variable, which beats ``pagestatus.toml``, which beats the default. All mistakes
are found before any is reported. Nothing is read at import.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from pagestatus.addresses import default_run_dir
from pagestatus.name_servers import is_name_server
from pagestatus.quantities import parse_bytes, parse_seconds
from pagestatus.quoting import quoted

PREFIX = "PAGESTATUS_"
FILE = "pagestatus.toml"
# In data_dir.
RESULTS_LOG = "url_status.log"
MINUTES_LOG = "minutes.log"
# Where the file is, and those of the tests; every other PAGESTATUS_ variable must be a key.
FILE_VARIABLE = "PAGESTATUS_CONFIG"
TEST_PREFIX = "PAGESTATUS_TEST_"

Seconds = Annotated[float, Meta(gt=0, le=86_400, extra={"unit": "seconds"})]
Size = Annotated[int, Meta(ge=1, le=1 << 50, extra={"unit": "bytes"})]
Count = Annotated[int, Meta(ge=1, le=1_000_000)]
MOST_FETCHERS = 256
# It stands in a header: no control characters (RFC 9110 5.5), and ASCII alone goes over the wire as written.
Header = Annotated[str, Meta(pattern=r"^[ -~]*\Z", extra={"expected": "printable ASCII"})]
# Bytes.
LONGEST_TOKEN = 4096
# An empty one would let everybody in, or nobody, and look like none.
Token = Annotated[str, Meta(min_length=1)]
# What must not be shown, also where the key is misspelled ("websocket.tokn") or its section is no table.
_SECRET = re.compile(r"websocket(?:.tok(?!en_file)|$)|token(?!_file)|secret|passw", re.IGNORECASE)


class Check(Struct, frozen=True, kw_only=True):
    """How an attempt is made, and when it is made again."""

    timeout: Seconds = 10.0
    connect_timeout: Seconds = 5.0
    retries: Annotated[int, Meta(ge=0, le=20)] = 2
    retry_interval: Seconds = 1.0
    per_host: Annotated[int, Meta(ge=0, le=1_000_000)] = 32
    backoff_max: Annotated[int, Meta(ge=1, le=200)] = 4
    max_bytes: Size = 64 << 20
    keep_alive: bool = False
    user_agent: Header = "pagestatus"
    name_servers: tuple[str, ...] = ()
    ca_file: Path | None = None


class Log(Struct, frozen=True, kw_only=True):
    """What is written of the results, and how safely."""

    fsync_ms: Annotated[int, Meta(ge=-1, le=60_000)] = 100
    mode: Literal["all", "changes", "failures"] = "all"
    max_bytes: Size = 256 << 20
    keep: Annotated[int, Meta(ge=0, le=1000)] = 8


class Downloads(Struct, frozen=True, kw_only=True):
    """How files are fetched in ranges. ``dir`` None: ``<data_dir>/downloads``."""

    dir: Path | None = None
    threads: Annotated[int, Meta(ge=1, le=256)] = 8
    bytes: Size = 4 << 20
    broadcast_interval: Seconds = 1.0
    active: Count = 4
    per_host: Count = 16
    allow_private: bool = False
    # Tries in a row without a single byte after which a download has failed, and the first wait between them.
    retries: Annotated[int, Meta(ge=0, le=1000)] = 10
    retry_interval: Seconds = 1.0
    # A connection that brings next to nothing for this long is given up.
    stall_timeout: Seconds = 20.0

    def folder(self, data_dir: Path) -> Path:
        """Where the files go."""
        return data_dir / "downloads" if self.dir is None else self.dir


class Websocket(Struct, frozen=True, kw_only=True):
    """Where websocket clients connect, and who may."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65_535)] = 8888
    token: Token | None = None
    token_file: Path | None = None
    # As browsers send them: "https://example.com", "null" (a page that is a file), or "*": any.
    origins: tuple[str, ...] = ()

    def read_token(self) -> str | None:
        """What clients must know, if anything; one newline at the end of the file does not belong to it.

        Raises OSError when the file cannot be read, ValueError when it holds no token; neither repeats it.
        """
        if self.token_file is None:
            return self.token
        if not self.token_file.is_file():
            # A pipe would hold us up for as long as nobody writes into it.
            raise FileNotFoundError(f"{self.token_file}: not a file")
        with self.token_file.open("rb") as file:
            content = file.read(LONGEST_TOKEN + len(b"\r\n") + 1)
        try:
            token = content.decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            # From nothing: its message holds a byte of the token.
            raise ValueError("expected a token in UTF-8") from None
        if not token or len(token.encode()) > LONGEST_TOKEN:
            raise ValueError(f"expected a token of 1 to {LONGEST_TOKEN} bytes")
        return token


class Config(Struct, frozen=True, kw_only=True):
    """Everything that can be configured."""

    urls: Path = Path("urls.json")
    data_dir: Path = Path("var")
    run_dir: Path = msgspec.field(default_factory=default_run_dir)
    fetchers: Annotated[int, Meta(ge=1, le=MOST_FETCHERS)] = msgspec.field(
        default_factory=lambda: min(os.cpu_count() or 1, MOST_FETCHERS)
    )
    slots: Count = 2000
    check: Check = Check()
    log: Log = Log()
    downloads: Downloads = Downloads()
    websocket: Websocket = Websocket()


_SECTIONS: Mapping[str, type[Struct]] = {
    "check": Check,
    "log": Log,
    "downloads": Downloads,
    "websocket": Websocket,
}


class ConfigMistakes(ValueError):
    """It cannot be used: ``lines`` has one for each mistake, ``config`` is what is right of it."""

    def __init__(self, lines: list[str], config: Config) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines
        self.config = config


def load(flags: Mapping[str, object] = MappingProxyType({})) -> Config:
    """Read the configuration; raises ``ConfigMistakes``.

    ``flags`` are key paths (``check.timeout``) with values from the command line, None where not given;
    ``config`` among them names the file to read instead of ``pagestatus.toml``.
    """
    mistakes: list[str] = []
    values: dict[str, object] = {}
    sources: dict[str, str] = {}
    fields = dict(_fields())
    for source, key, raw, base in _given(flags, fields, mistakes):
        try:
            values[key] = _convert(raw, fields[key], base)
            sources[key] = source
        except ValueError as mistake:
            mistakes.append(f"{source}: {_shown(key, raw)}: {_expected(fields[key], raw, mistake)}")
    # What is wrong is left out here, so that all mistakes are found at once.
    config = _build(values)
    mistakes += _unusable(config, sources)
    if mistakes:
        raise ConfigMistakes(mistakes, config)
    return config


def _fields(struct: type[Struct] = Config, prefix: str = "") -> Iterator[tuple[str, object]]:
    for field in msgspec.structs.fields(struct):
        if isinstance(field.type, type) and issubclass(field.type, Struct):
            yield from _fields(field.type, f"{field.name}.")
        else:
            yield prefix + field.name, field.type


def _given(
    flags: Mapping[str, object], fields: Mapping[str, object], mistakes: list[str]
) -> Iterator[tuple[str, str, object, Path]]:
    """Everything that was set, weakest first: (where, key, value, folder that relative paths start from)."""
    here = Path.cwd()
    file = flags.get("config") or os.environ.get(FILE_VARIABLE)
    for path, key, raw in _from_file(Path(str(file or FILE)), bool(file), mistakes):
        if key in fields:
            yield f"{path}: {key}", key, raw, (here / path).parent
        else:
            mistakes.append(f"{path}: {key}: {_shown(key, raw)}: {_unknown(key, fields)}")
    variables = {PREFIX + key.upper().replace(".", "_"): key for key in fields}
    for name, raw in sorted(os.environ.items()):
        if name in variables:
            yield f"environment: {name}", variables[name], raw, here
        elif name.startswith(PREFIX) and name != FILE_VARIABLE and not name.startswith(TEST_PREFIX):
            mistakes.append(f"environment: {name}: {_shown(name, raw)}: {_unknown(name, variables, PREFIX)}")
    for key, raw in flags.items():
        if raw is not None and key in fields:
            yield f"command line: --{key.replace('_', '-')}", key, raw, here


def _from_file(path: Path, must_exist: bool, mistakes: list[str]) -> Iterator[tuple[Path, str, object]]:  # noqa: FBT001
    try:
        # Some editors begin a file with a byte order mark.
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        if must_exist:
            mistakes.append(f"{path}: no such file, expected a configuration in TOML")
        return
    except RecursionError:
        mistakes.append(f"{path}: nested too deeply, expected a configuration in TOML")
        return
    except (OSError, ValueError) as mistake:
        # ValueError: bytes that are not UTF-8, TOML's own mistakes, and a number of thousands of digits.
        problem = (mistake.strerror if isinstance(mistake, OSError) else None) or mistake
        mistakes.append(f"{path}: {problem}, expected a configuration in TOML")
        return
    for key, value in document.items():
        if isinstance(value, dict) and (value or key in _SECTIONS):
            yield from ((path, f"{key}.{name}", inner) for name, inner in value.items())
        elif key in _SECTIONS:
            mistakes.append(f"{path}: {key}: {_shown(key, value)}: expected a table, [{key}]")
        else:
            yield path, key, value


def _convert(raw: object, type_: object, base: Path) -> object:
    """``raw`` as a value of ``type_``; text from the environment is read leniently ("8", "10s", "4 MiB")."""
    unit = _extra(type_, "unit")
    if isinstance(raw, str):
        if unit == "seconds":
            raw = parse_seconds(raw)
        elif unit == "bytes":
            raw = parse_bytes(raw)
        elif type_ == tuple[str, ...]:
            raw = [part.strip() for part in raw.split(",") if part.strip()]
        elif type_ is bool:
            raw = {"1": True, "0": False, "yes": True, "no": False}.get(raw.lower(), raw)
    value = msgspec.convert(raw, type_, strict=not isinstance(raw, str), dec_hook=_path)
    if isinstance(value, Path):
        try:
            return base / value.expanduser()
        except RuntimeError as mistake:
            raise ValueError("expected the home of a user that exists") from mistake
    return value


def _path(type_: type, raw: object) -> object:
    if type_ is Path and isinstance(raw, str | os.PathLike) and str(raw) and "\0" not in str(raw):
        # What is not UTF-8 could be opened and not be told: answers, logs and links are UTF-8.
        if any("\ud800" <= letter <= "\udfff" for letter in str(raw)):
            raise ValueError("expected a path in UTF-8")
        return Path(raw)
    raise ValueError("expected a path")


def _extra(type_: object, name: str) -> object:
    """What the ``Meta`` of a type says beyond its limits."""
    for meta in getattr(type_, "__metadata__", ()):
        if meta.extra:
            return meta.extra.get(name)
    return None


def _expected(type_: object, raw: object, mistake: Exception) -> str:
    """What should have stood there, in our words: "expected `int` >= 1"."""
    if get_origin(type_) is Literal:
        return f"expected one of {', '.join(get_args(type_))}"
    if isinstance(raw, str) and (expected := _extra(type_, "expected")):
        return f"expected {expected}"
    message = str(mistake).replace(" | null`", "`")
    return message[:1].lower() + message[1:]


def _shown(key: str, raw: object) -> str:
    """A value as it may stand in a message, which may be read by others than the operator."""
    if _SECRET.search(key) or _near(re.split(r"[._]", key.lower())[-1], ["token"], 0.7):
        return "(not shown)"
    if isinstance(raw, dict) or (isinstance(raw, list) and any(isinstance(inner, dict) for inner in raw)):
        return "a table"
    return quoted(raw)


def _unknown(key: str, known: Mapping[str, object], prefix: str = "") -> str:
    # Without what all have in common, which would make everything near.
    near = _near(key.removeprefix(prefix), [name.removeprefix(prefix) for name in known])
    return f"unknown key, expected {f'perhaps {prefix}{near[0]}' if near else 'one of those in the README'}"


def _near(key: str, known: list[str], cutoff: float = 0.6) -> list[str]:
    """The one of ``known`` that ``key`` is perhaps a misspelling of."""
    # Imported here: only a mistake needs it.
    from difflib import get_close_matches  # noqa: PLC0415

    return get_close_matches(key, known, n=1, cutoff=cutoff)


def _build(values: Mapping[str, object]) -> Config:
    tree: dict[str, dict[str, object]] = {}
    top: dict[str, object] = {}
    for key, value in values.items():
        section, _, name = key.rpartition(".")
        if section:
            tree.setdefault(section, {})[name] = value
        else:
            top[key] = value
    built = {name: _SECTIONS[name](**inner) for name, inner in tree.items()}
    config = Config(**top, **built)  # type: ignore[arg-type]
    here = Path.cwd()
    return msgspec.structs.replace(
        config, urls=here / config.urls, data_dir=here / config.data_dir, run_dir=here / config.run_dir
    )


def _unusable(config: Config, sources: Mapping[str, str]) -> Iterator[str]:
    """Values that are of the right type and yet cannot be used."""
    for server in config.check.name_servers:
        if not is_name_server(server):
            expected = "an address, with a port or without, such as 127.0.0.1:5353, ::1 or [::1]:53"
            yield f"{sources['check.name_servers']}: {quoted(server)}: expected {expected}"
    if config.check.ca_file is not None and not _has_certificates(config.check.ca_file):
        shown = quoted(str(config.check.ca_file))
        yield f"{sources['check.ca_file']}: {shown}: expected a file of certificates in PEM"
    yield from _unsafe(config.websocket, sources)


def _has_certificates(path: Path) -> bool:
    try:
        return b"-----BEGIN " in path.read_bytes()
    except OSError:
        return False


def _unsafe(websocket: Websocket, sources: Mapping[str, str]) -> Iterator[str]:
    """Mistakes that would let in whom nobody meant to let in."""
    if websocket == Websocket():
        return
    # Imported here: most configurations leave the websocket as it is.
    from pagestatus.urls import is_loopback  # noqa: PLC0415

    if websocket.token_file is not None:
        yield from _wrong_token_file(websocket, sources["websocket.token_file"])
    elif websocket.token is None and not is_loopback(websocket.host):
        expected = "expected websocket.token or websocket.token_file beside it, or a loopback address"
        yield f"{sources['websocket.host']}: {quoted(websocket.host)}: {expected}"
    for origin in websocket.origins:
        if not _is_origin(origin):
            expected = (
                'expected an origin, such as https://example.com or http://localhost:3000, "null" or "*"'
            )
            yield f"{sources['websocket.origins']}: {quoted(origin)}: {expected}"


def _wrong_token_file(websocket: Websocket, source: str) -> Iterator[str]:
    shown = quoted(str(websocket.token_file))
    if websocket.token is not None:
        yield f"{source}: {shown}: expected websocket.token or websocket.token_file, not both"
    try:
        websocket.read_token()
    except OSError:
        yield f"{source}: {shown}: expected a file that can be read, with a token in it"
    except ValueError as mistake:
        yield f"{source}: {shown}: {mistake}"


def _is_origin(text: str) -> bool:
    # Imported here: most configurations have none.
    from pagestatus.urls import BadUrl, origin_of  # noqa: PLC0415

    try:
        return text in {"*", "null"} or bool(origin_of(text))
    except BadUrl:
        return False
