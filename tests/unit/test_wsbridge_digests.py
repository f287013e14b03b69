"""Digests of files: of all that servers say, the strongest that can be read, and nothing else."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pagestatus.messages import Head
from wsbridge.digests import Digest, from_head, of_request

CONTENT = b"all the bytes of a file"


def b64(algorithm: str, content: bytes = CONTENT) -> str:
    return base64.b64encode(hashlib.new(algorithm, content).digest()).decode()


SHA512, SHA256, MD5, SHA1 = (b64(name) for name in ("sha512", "sha256", "md5", "sha1"))
OTHER = b64("sha256", b"others")


def head(repr_digest: str = "", digest: str = "", content_md5: str = "", encoding: str = "") -> Head:
    return Head(repr_digest=repr_digest, digest=digest, content_md5=content_md5, content_encoding=encoding)


def right(algorithm: str) -> Digest:
    return Digest(algorithm, hashlib.new(algorithm, CONTENT).hexdigest())


@pytest.mark.parametrize(
    ("said", "algorithm", "why"),
    [
        (head(), None, "nothing"),
        (head(f"sha-256=:{SHA256}:"), "sha256", "RFC 9530"),
        (head(f"sha-512=:{SHA512}:"), "sha512", "RFC 9530, the longer one"),
        (head(f"sha-256=:{SHA256}:, sha-512=:{SHA512}:"), "sha512", "the stronger of two"),
        (head(f"sha-512=:{SHA512}:,sha-256=:{SHA256}:"), "sha512", "whatever their order"),
        (head(f"  sha-256=:{SHA256}:\t"), "sha256", "space around"),
        (head(f"md5=:{MD5}:"), "md5", "an old one is better than none"),
        (head(f"sha=:{SHA1}:"), None, "SHA-1"),
        (head(f"sha-256=:{SHA256.rstrip('=')}:"), "sha256", "without padding"),
        (head(f'sha-256=:{SHA256}:;q=1;x;y="a,b"'), "sha256", "parameters"),
        (head(f"unixsum=30637, sha-256=:{SHA256}:"), "sha256", "a number"),
        (head(f"a, sha-256=:{SHA256}:"), "sha256", "a truth"),
        (head(f"a=?0;b, c=tok/en, d=-1.5, e=@3, sha-256=:{SHA256}:"), "sha256", "values of other kinds"),
        (head(f'a=("x, )" y);z, sha-256=:{SHA256}:'), "sha256", "a list"),
        (head(f'a="sha-512=:{SHA512}:, \\"", sha-256=:{SHA256}:'), "sha256", "what stands in a string"),
        (head(f"sha-256=:{OTHER}:, sha-256=:{SHA256}:"), "sha256", "of two the last"),
        (head(f"sha-256=:{SHA256}:, sha-256=1"), None, "of two the last, though it is none"),
        (head(f"sha-256={SHA256}"), None, "no byte sequence"),
        (head(f"SHA-256=:{SHA256}:"), None, "capitals, which keys have not"),
        (head(f"sha-256=:{SHA256}:,"), None, "a comma at the end"),
        (head(f"sha-256=:{SHA256}: x=1"), None, "no comma"),
        (head(f"sha-256=:{SHA256}"), None, "no colon at the end"),
        (head(f'sha-256=:{SHA256}:, "a"=1'), None, "one mistake spoils a dictionary"),
        (head(f"sha-256=:{SHA512}:"), None, "the wrong length"),
        (head(f"sha-512=:{SHA256}:, md5=:{MD5}:"), "md5", "the wrong length, and a right one"),
        (head("sha-256=::"), None, "no bytes"),
        (head("sha-256=:A=A=:"), None, "no base64"),
        (head("", f"SHA-256={SHA256}"), "sha256", "RFC 3230"),
        (head("", f"sha-256={SHA256}"), "sha256", "in lower case"),
        (head("", f"MD5={MD5}, sha-512={SHA512} , UNIXsum=30637"), "sha512", "several"),
        (head("", f"SHA={SHA1}"), None, "SHA-1"),
        (head("", f"sha-256=!, md5={MD5}"), "md5", "one that cannot be read, and one that can"),
        (head("", f"sha-256={right('sha256').hex}"), None, "hexadecimal"),
        (head("", f"sha-256=:{SHA256}:"), None, "the new form in the old field"),
        (head("", "sha-256=ä"), None, "letters"),
        (head(f"md5=:{MD5}:", f"sha-256={SHA256}"), "sha256", "the stronger one in the older field"),
        (head(f"sha-256=:{SHA256}:", f"sha-256={OTHER}"), "sha256", "of two fields the newer"),
        (head("", f"md5={MD5}", b64("md5", b"x")), "md5", "of two fields the newer, again"),
        (head("", "", MD5), "md5", "RFC 1864"),
        (head("", "", f" {MD5} "), "md5", "with space around"),
        (head("", "", right("md5").hex), None, "hexadecimal"),
        (head("rubbish", "rubbish", MD5), "md5", "rubbish elsewhere"),
        (head(f"sha-256=:{SHA256}:", "", "", "identity"), "sha256", "encoded by nothing"),
        (head(f"sha-256=:{SHA256}:", "", "", " Identity"), "sha256", "encoded by nothing, in capitals"),
        (head(f"sha-256=:{SHA256}:", f"md5={MD5}", MD5, "gzip"), None, "they are of the encoded file"),
    ],
)  # fmt: skip
def test_from_head(said: Head, algorithm: str | None, why: str) -> None:
    assert from_head(said, whole=True) == (right(algorithm) if algorithm else None), why


def test_of_a_part_content_md5_says_nothing() -> None:
    assert from_head(head("", "", MD5), whole=False) is None
    assert from_head(head("", f"sha-256={SHA256}", MD5), whole=False) == right("sha256")
    assert from_head(head(f"sha-512=:{SHA512}:", "", MD5), whole=False) == right("sha512")


def test_a_request_may_be_in_capitals() -> None:
    assert of_request(right("sha256").hex.upper()) == right("sha256")


@pytest.mark.parametrize("wrong", ["", "a" * 63, "a" * 65, "g" * 64, "a" * 64 + "\n", "٣" * 64, SHA256])
def test_a_request_that_is_no_digest(wrong: str) -> None:
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        of_request(wrong)


pieces = st.sampled_from(
    ["sha-256", "md5", "=", ":", SHA256, MD5, ",", ";", " ", '"', "\\", "(", ")", "?1", "é"]
) | st.text(max_size=3)
fields = st.text() | st.lists(pieces, max_size=20).map("".join)


@given(fields, fields, fields, st.booleans())
def test_whatever_a_server_says_gives_a_digest_or_none(new: str, old: str, md5: str, whole: bool) -> None:  # noqa: FBT001
    found = from_head(head(new, old, md5), whole=whole)
    if found is not None:
        size = hashlib.new(found.algorithm).digest_size
        assert re.fullmatch(f"[0-9a-f]{{{2 * size}}}", found.hex)
        assert found.algorithm in {"sha512", "sha256", "md5"}


@pytest.mark.parametrize(
    "piece", [" ", ",", "=", ":", '"', "\\", "(", 'a="', "a=(", "a;", "a,", "a;b=c", 'a=("']
)
def test_a_long_field_takes_no_longer_for_its_length(piece: str) -> None:
    """Were a pattern quadratic, the test would never end."""
    long = piece * (1_000_000 // len(piece))
    for field in (long, f"a={long}", f"a=({long}", f'a="{long}', f"a;{long}"):
        assert (
            from_head(replace(head(), repr_digest=field, digest=field, content_md5=field), whole=True) is None
        )
