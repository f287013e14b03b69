"""Sites with TLS: some with certificates that prove nothing, one that goes away; a process of its own.

It leaves the certificate of its authority, which is to be trusted, as ``ca.pem`` in the folder that it is
given, listens at a port for each kind, and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import signal
import ssl
import sys
from pathlib import Path

import trustme

from scripts.soak_run import certificates, http2
from scripts.soak_run.servant import obey

HOST = "127.0.0.1"
AUTHORITY = "ca.pem"
# What a check says of each is ``tls``; and of the one that comes after them, ``reset``.
UNTRUSTED = ("expired", "signed by itself", "of another host")
KINDS = (*UNTRUSTED, "going away")


class GoingAway(asyncio.Protocol):
    """GOAWAY in answer to a request: it was not looked at, and no more may come."""

    def __init__(self) -> None:
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - it is TLS
        self._transport = transport
        transport.write(http2.greeting())

    def data_received(self, data: bytes) -> None:
        self._received += data
        if http2.has_request(self._received):
            self._transport.write(http2.goaway(last_stream=0, error=http2.ENHANCE_YOUR_CALM))
            self._transport.close()


def contexts(authority: trustme.CA) -> list[ssl.SSLContext]:
    """One for each of ``KINDS``."""
    return [
        certificates.expired(authority, HOST),
        certificates.context(trustme.CA(), HOST),
        certificates.context(authority, "other.example"),
        certificates.http2(authority, HOST),
    ]


async def serve(folder: Path, ports: list[int]) -> None:
    loop = asyncio.get_running_loop()
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / AUTHORITY)
    for port, context in zip(ports, contexts(authority), strict=True):
        await loop.create_server(GoingAway, HOST, port, ssl=context, reuse_address=True)
    loop.add_reader(0, obey, lambda _manner: None)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(serve(Path(sys.argv[1]), [int(port) for port in sys.argv[2:]]))
