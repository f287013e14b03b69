"""Name servers as the configuration gives them and c-ares takes them."""

from __future__ import annotations

import re

_FORMS = re.compile(
    r"(?:\[(?P<bracketed>[0-9A-Fa-f:.]+)\]|(?P<four>[0-9.]+))(?::(?P<port>[0-9]{1,5}))?|(?P<six>[0-9A-Fa-f:.]+)"
)
_PORTS = 1 << 16


def is_name_server(server: str) -> bool:
    """Whether it is "1.2.3.4", "1.2.3.4:53", "::1", "[::1]" or "[::1]:53"."""
    # Imported here: most configurations leave the name servers to the system.
    from ipaddress import IPv4Address, IPv6Address  # noqa: PLC0415

    form = _FORMS.fullmatch(server)
    if form is None or not 0 < int(form["port"] or 53) < _PORTS:
        return False
    try:
        IPv4Address(form["four"]) if form["four"] else IPv6Address(form["bracketed"] or form["six"])
    except ValueError:
        return False
    return True
