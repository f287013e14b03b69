"""What may stand in ``check.name_servers``."""

from __future__ import annotations

import pytest

from pagestatus.name_servers import is_name_server


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1:65535",
        "::1",
        "[::1]",
        "[::1]:53",
        "2001:DB8::53",
        "::ffff:1.2.3.4",
        "[::ffff:1.2.3.4]:53",
    ],
)
def test_an_address_with_a_port_or_without(text: str) -> None:
    assert is_name_server(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "ns.test:53",
        "http://127.0.0.1/",
        "1.2.3",
        "1.2.3.256",
        "127.0.0.01",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "127.0.0.1:port",
        "127.0.0.1:٥٣",
        "127.0.0.1 ",
        "127.0.0.1\n",
        "[127.0.0.1]:53",
        ":::1",
        "[::1",
        "[::1]:0",
        "[::1]53",
        "fe80::1%eth0",
    ],
)
def test_all_else(text: str) -> None:
    assert not is_name_server(text)
