"""What the soak's name server says, read by hand (RFC 1035 section 4)."""

from __future__ import annotations

import struct

import pytest

from scripts.bench_run.name_server import KNOWN, SILENT
from scripts.bench_run.site import address
from scripts.soak_run import names
from scripts.soak_run.targets import silent, steady

A, AAAA = 1, 28


def question(name: str, kind: int = A) -> bytes:
    """As a resolver asks it."""
    labels = b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.split("."))
    return struct.pack("!6H", 77, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", kind, 1)


def read(answer: bytes | None, asked: bytes) -> tuple[int, str]:
    """The code, and the address."""
    assert answer is not None
    number, flags, questions, answers, *_none = struct.unpack_from("!6H", answer)
    assert (number, flags & 0x8000, questions) == (77, 0x8000, 1)
    assert answer[12 : len(asked)] == asked[12:]
    return flags & 15, ".".join(map(str, answer[-4:])) if answers else ""


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        (f"n15.{KNOWN}", A, (0, address(15))),
        (f"N15.{KNOWN}".upper(), A, (0, address(15))),
        (f"n15.{KNOWN}", AAAA, (0, "")),
        ("1.probe.invalid", A, (3, "")),
    ],
)
def test_names_have_their_addresses(name: str, kind: int, says: tuple[int, str]) -> None:
    asked = question(name, kind)
    assert read(names.said(asked), asked) == says


def test_a_silent_name_has_no_answer() -> None:
    assert names.said(question(f"n20000000.{SILENT}")) is None


def test_the_address_changes_and_comes_back() -> None:
    asked = question(f"n15.{KNOWN}")
    found = [read(names.MANNERS["changing"].answer(asked), asked) for _ in range(4)]
    assert set(found) == {(0, address(15)), (0, address(15 + names.ELSEWHERE))}
    assert found[:2] == found[2:]


def test_what_is_wrong_is_near_to_what_is_right() -> None:
    asked = question(f"n15.{KNOWN}")
    right = names.said(asked)
    assert right is not None
    wrong = {name: names.MANNERS[name].answer(asked) for name in ("guessing", "cut short")}
    assert wrong == {"guessing": bytes([right[0] ^ 1]) + right[1:], "cut short": right[:-3]}
    codes = [read(names.MANNERS[name].answer(asked), asked) for name in ("failing", "refusing")]
    assert codes == [(2, ""), (5, "")]


def test_targets_have_the_names_that_it_knows() -> None:
    hosts = [str(target["url"]).split("/")[2] for target in (*steady(1, 80), *silent(2, 80))]
    assert hosts[:2] == [f"n0.{KNOWN}:80", f"{address(1)}:80"]
    assert hosts[-2:] == [f"n20000000.{SILENT}:80", f"n20000001.{SILENT}:80"]
