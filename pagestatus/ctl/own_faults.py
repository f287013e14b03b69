"""What is our own fault when checks fail, in words that say what to do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pagestatus.ctl.answers import Attempt
from pagestatus.ctl.output import Refused
from pagestatus.ctl.place import understood
from pagestatus.ctl.text import clean, count

# Of the failures, how many are looked at, and for how long they matter.
LOOKED_AT = 100
RECENT_S = 60

# By reason, as the log has it.
WORDS = {
    "stalled": "a fetcher stood still: is this machine overloaded, was it suspended, is its disk slow?",
    "no_fds": "a fetcher has no descriptor left: raise its limit (LimitNOFILE, ulimit -n), or lower slots",
    "no_ports": "no local port is left: widen net.ipv4.ip_local_port_range, or set check.keep_alive",
    "no_route": "there is no way from here to the sites: see ip link and ip route; does the gateway answer?",
    "no_memory": "a fetcher gets no memory: raise its limit, or lower slots",
    "name_server": "the name servers do not serve us: see /etc/resolv.conf, or set check.name_servers",
    "bug": "a mistake of this program: see the fetchers' logs, and report it",
}


@dataclass(frozen=True)
class OwnFaults:
    """Attempts of the last minute that failed without the site having anything to do with it."""

    by_reason: Mapping[str, int] = field(default_factory=dict)
    # All failures of the last minute, of the LOOKED_AT latest.
    of: int = 0

    def told(self) -> Iterator[str]:
        """One sentence for each reason, the commonest first."""
        for reason, number in Counter(self.by_reason).most_common():
            words = WORDS.get(reason, "no more is known of it")
            yield (
                f"{count(number)} of the last {count(self.of)} failures are our own, and no site's "
                f"({clean(reason)}): {words}{'' if words.endswith('?') else '.'}"
            )


def own_faults(failures: object, since: str) -> OwnFaults:
    """Of what the aggregator answered to ``failures``, those later than ``since`` (as ``time`` has it)."""
    try:
        recent = [one for one in understood("aggregator", failures, list[Attempt]) if one.time > since]
    except Refused:
        return OwnFaults()
    own = Counter(one.reason or "" for one in recent if one.outcome == "internal")
    return OwnFaults(dict(own), len(recent))
