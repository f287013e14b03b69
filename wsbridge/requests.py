"""What a client says: one JSON object, and what it asks for.

Strict: what is not understood is refused with the place of the mistake and what was expected there. A message
never repeats a value that may be secret: a password, a token, what stands in a header.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple, TypeVar
from urllib.parse import unquote

import msgspec
from msgspec import Meta, Struct

from pagestatus.config import LONGEST_TOKEN
from pagestatus.headers import MOST_HEADERS, BadHeader, of_client
from pagestatus.quoting import quoted
from pagestatus.urls import BadUrl, wire_url
from wsbridge.digests import of_request
from wsbridge.names import clean

Code = Literal["bad_json", "bad_request", "bad_url", "forbidden", "unknown_id", "too_many"]

# In characters.
LONGEST_FILENAME = 1024
LONGEST_ID = 64
# As given, in a URL.
LONGEST_CREDENTIALS = 4 << 10

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_AUTHORITY = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)([^/?#\\]*)")
# Keys that are shown when they are wrong: others may be anything, also a secret in the wrong place.
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,30}")
_ACTIONS = ("pause", "resume", "cancel", "remove", "retry")
_NOT_READABLE = 'url: it cannot be fetched; in a password, "/", "?", "#" and "@" are %2F, %3F, %23 and %40'


class Mistake(Exception):
    """A request was refused; ``code`` is for programs, ``message`` is one line for people."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Add(NamedTuple):
    """Download a file."""

    # As it was given, without a user name: ``wire_url`` takes it.
    url: str
    # "user:password", decoded; empty: none.
    credentials: str = ""
    # 64 hexadecimal digits in lower case; empty: none.
    sha256: str = ""
    # As it was given; ``names.clean`` leaves something of it. Empty: none.
    filename: str = ""
    # 0: as many as are configured.
    threads: int = 0
    headers: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        """Without the password and the headers: it may stand in a log."""
        return f"Add({quoted(self.url)}, filename={quoted(self.filename)}, threads={self.threads})"


class Act(NamedTuple):
    """Do something with a download."""

    action: Literal["pause", "resume", "cancel", "remove", "retry"]
    id: str


class SetUrl(NamedTuple):
    """Go on with a download at another URL."""

    id: str
    url: str
    credentials: str = ""

    def __repr__(self) -> str:
        return f"SetUrl({quoted(self.id)}, {quoted(self.url)})"


class ListAll(NamedTuple):
    """Tell all downloads."""


class Login(NamedTuple):
    """Here is the token."""

    token: str

    def __repr__(self) -> str:
        return "Login(…)"


Request = Add | Act | SetUrl | ListAll | Login

_Id = Annotated[str, Meta(min_length=1, max_length=LONGEST_ID)]


class _Add(Struct):
    url: str
    sha256: str | None = None
    filename: Annotated[str, Meta(max_length=LONGEST_FILENAME)] | None = None
    threads: Annotated[int, Meta(ge=1, le=256)] | None = None
    headers: Annotated[dict[str, str], Meta(max_length=MOST_HEADERS)] | None = None


class _Act(Struct):
    action: Literal["pause", "resume", "cancel", "remove", "retry"]
    id: _Id


class _SetUrl(Struct):
    action: str
    id: _Id
    url: str


class _ListAll(Struct):
    action: str


class _Login(Struct):
    token: Annotated[str, Meta(min_length=1, max_length=LONGEST_TOKEN)]


_Form = TypeVar("_Form", _Add, _Act, _SetUrl, _ListAll, _Login)


def parse(text: str | bytes) -> Request:
    """What the message ``text`` of a websocket asks for; raises Mistake. Binary messages are refused."""
    said = _object(text)
    if "action" in said:
        return _act(said)
    if "token" in said:
        return _login(said)
    if "url" in said:
        return _add(said)
    raise Mistake("bad_request", "expected an object with url, action or token")


def add_of(params: Mapping[str, object]) -> Add:
    """``Add`` from the parameters of a command, without its name (``command``); raises Mistake."""
    return _add(_without_command(params))


def act_of(params: Mapping[str, object]) -> Act | SetUrl | ListAll:
    """The same for whatever has an ``action``."""
    return _act(_without_command(params))


def split_credentials(url: str) -> tuple[str, str]:
    """``url`` without the user name, and "user:password" decoded, or ""; raises BadUrl.

    What cannot be sent is refused: control characters, and a colon in a user name (RFC 7617 section 2).
    """
    found = _AUTHORITY.match(url)
    if found is None or "@" not in found[2]:
        return url, ""
    # The last one, as browsers see it: a password may hold others.
    given, _, host = found[2].rpartition("@")
    if len(given) > LONGEST_CREDENTIALS:
        raise BadUrl(f"the user name and the password are longer than {LONGEST_CREDENTIALS} characters")
    try:
        user, _, password = (unquote(part, errors="strict") for part in given.partition(":"))
    except UnicodeDecodeError:
        # From nothing: its message holds a byte of the password.
        raise BadUrl("the user name or the password is not UTF-8") from None
    if ":" in user or _CONTROL.search(user + password):
        raise BadUrl("the user name has a colon, or it or the password a control character")
    credentials = f"{user}:{password}" if user or password else ""
    return found[1] + host + url[found.end() :], credentials


def _object(text: str | bytes) -> dict[str, object]:
    if isinstance(text, bytes):
        raise Mistake("bad_json", "expected a text message, got a binary one")
    try:
        said = msgspec.json.decode(text)
    except RecursionError:
        raise Mistake("bad_json", "expected JSON, got some that is nested too deeply") from None
    except UnicodeEncodeError:
        raise Mistake("bad_json", "expected JSON, got half a character") from None
    except msgspec.DecodeError as mistake:
        problem = str(mistake).removeprefix("JSON is malformed: ")
        raise Mistake("bad_json", f"expected JSON: {_lowered(problem)}") from None
    if not isinstance(said, dict):
        raise Mistake("bad_json", "expected a JSON object")
    return said


def _without_command(params: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in params.items() if key != "command"}


def _add(said: dict[str, object]) -> Add:
    form = _converted(said, _Add)
    url, credentials = _fetchable(form.url)
    return Add(
        url,
        credentials,
        _sha256(form.sha256),
        _filename(form.filename),
        form.threads or 0,
        _headers(form.headers or {}),
    )


def _act(said: dict[str, object]) -> Act | SetUrl | ListAll:
    action = said.get("action")
    if action == "list":
        _converted(said, _ListAll)
        return ListAll()
    if action == "set_url":
        form = _converted(said, _SetUrl)
        return SetUrl(form.id, *_fetchable(form.url))
    if action not in _ACTIONS:
        raise Mistake("bad_request", f"action: expected one of {', '.join(_ACTIONS)}, set_url, list")
    return Act(*msgspec.structs.astuple(_converted(said, _Act)))


def _login(said: dict[str, object]) -> Login:
    return Login(_converted(said, _Login).token)


def _converted(said: dict[str, object], form: type[_Form]) -> _Form:
    """``said`` in its form; each mistake says where it is and what was expected there."""
    known = form.__struct_fields__
    for key in said:
        if key not in known:
            shown = quoted(key) if _PLAIN_KEY.fullmatch(key) else "a key"
            raise Mistake("bad_request", f"{shown}: unknown key, expected only {', '.join(known)}")
    try:
        return msgspec.convert(said, form)
    except msgspec.ValidationError as mistake:
        raise _explained(str(mistake)) from mistake


def _explained(message: str) -> Mistake:
    """A message of msgspec ("Expected `str`, got `int` - at `$.url`") as one of ours; it holds no values."""
    problem, _, at = message.partition(" - at `$.")
    if problem.startswith("Object missing"):
        at, problem = problem.split("`")[1], "expected a value"
    return Mistake("bad_request", f"{at.rstrip('`')}: {_lowered(problem)}")


def _fetchable(given: str) -> tuple[str, str]:
    """A URL that can be fetched, without its user name, and "user:password"."""
    try:
        url, credentials = split_credentials(given)
    except BadUrl as mistake:
        raise Mistake("bad_url", f"url: {mistake}") from None
    try:
        wire_url(url)
    except BadUrl as mistake:
        # A password with "/" in it was taken for a port or a path, and the message may quote it.
        raise Mistake("bad_url", _NOT_READABLE if "@" in url else f"url: {mistake}") from None
    return url, credentials


def _sha256(given: str | None) -> str:
    try:
        return "" if given is None else of_request(given).hex
    except ValueError as mistake:
        raise Mistake("bad_request", f"sha256: {mistake}") from None


def _filename(given: str | None) -> str:
    if given is not None and not clean(given):
        raise Mistake("bad_request", "filename: expected a name that a file can have")
    return given or ""


def _headers(given: dict[str, str]) -> tuple[tuple[str, str], ...]:
    try:
        return of_client(given)
    except BadHeader as mistake:
        raise Mistake("bad_request", f"headers: {mistake}") from None


def _lowered(message: str) -> str:
    message = message.replace(" | null`", "`")
    return message[:1].lower() + message[1:]
