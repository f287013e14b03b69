"""All faults of the soak.

Not among them, since a soak would tell nothing of them, or nothing more than the test that is named:

- The wall clock of the system alone, an hour forward or back (faults/test_clock.py): the log, the witness and
  the faults would no longer agree on when something was, and an hour at a thousand checks a second is
  millions of lines. That everything stands still, as in a suspension, is among them.
- A cable that is cut, a gateway that is silent (faults/test_network.py): the network of a soak is a loopback.
- A supervisord that hangs for longer than half a minute, which the watchdog tells of; the watchdog itself,
  killed or stopped (faults/test_processes.py): the schedule does not notice either.
- Deaths while the disk is full (faults/test_disk.py): room comes back before long here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from functools import partial

from scripts.bench_run.system import ACTORS
from scripts.soak_run import names, targets
from scripts.soak_run.dying import Step
from scripts.soak_run.encrypted import KINDS, UNTRUSTED
from scripts.soak_run.fault import Fault
from scripts.soak_run.faults import deaths, garbage, limits, operators, processes, rivals
from scripts.soak_run.manners import MANNERS, SWELLING
from scripts.soak_run.network import Network
from scripts.soak_run.servant import ANSWERING
from scripts.soak_run.system import CONF, SUPERVISORD, Supervised
from scripts.soak_run.targets import number_of
from scripts.soak_run.world import World

STOPPED_S = 3.0
A_WHILE_S = 5.0
# Shorter than the watchdog's patience, since that goes on.
SUSPENDED_S = 15.0
FETCHER, FETCHERS, POOL = "one fetcher", "all fetchers", "fetchers"
ALL = frozenset({*ACTORS, "fetcher"})
# What a client of a site that is gone, or stands still, may see.
GONE = frozenset({"connect", "reset", "timeout"})
DNS = frozenset({"dns"})
# What waits for a frame that was lost waits for its time-out.
LOST_S = float(targets.TIMEOUT_S)
# A lookup that failed is not repeated for two seconds.
NAMES_LINGER_S = 3.0
# What a fetcher has is measured also when its target was taken off the list, even if it stood still.
OPEN_S = targets.TIMEOUT_S + 30.0
# As long as it takes for all that is tried again and again to be given up.
AWAY_S = 20.0
# Names that nobody answers for, and the time in which each is asked for.
FEW, MANY, ASKED_S = 10, 1000, 12.0
STEPS = {
    Step.TORN: "in the middle of a line",
    Step.WRITTEN: "after the write",
    Step.SYNCED: "before the commit",
}

Do = Callable[[World], AbstractContextManager[object]]
Pids = Callable[[World], list[int]]


def faults(world: World) -> list[Fault]:
    """Those that can be had here."""
    return [
        *_processes(),
        *_deaths(),
        *_limits(world),
        *_sites(),
        *_names(),
        *_operators(),
        *_garbage(),
        *_networks(world.network),
    ]


def _processes() -> Iterator[Fault]:
    for name in (*ACTORS, FETCHER, FETCHERS):
        halts, shown, pids = _halted(name), _shown(name), _pids(name)
        yield Fault(f"kill -9 {shown}", _on(processes.killed, pids), halts=halts, loses=True)
        yield Fault(f"stop {shown}", _on(processes.stopped, pids), STOPPED_S, halts=halts)
        if _is_watched(name):
            do = _on(processes.stopped_for_good, pids)
            yield Fault(f"stop {shown} for good", do, halts=halts, loses=True)
    yield Fault(f"stop {SUPERVISORD}", _on(processes.stopped, _pids(SUPERVISORD)), STOPPED_S)
    all_ = _on(processes.stopped, lambda world: list(world.system.pids().values()))
    yield Fault("stop everything", all_, SUSPENDED_S, halts=ALL)
    yield Fault("busy processors", lambda _world: processes.busy(), A_WHILE_S)


def _deaths() -> Iterator[Fault]:
    for step, when in STEPS.items():
        do = partial(deaths.dying, step=step)
        yield Fault(f"aggregator dies {when}", do, halts=frozenset({"aggregator"}), loses=True)


def _limits(world: World) -> Iterator[Fault]:
    full = world.disk
    if full is not None:
        yield Fault("full disk", lambda _world: full.full(), A_WHILE_S)
    for name in ("aggregator", "wsbridge", FETCHERS):
        yield Fault(f"files of {name} at their limit", _limited(name), A_WHILE_S)
    for name in (*ACTORS, FETCHER, FETCHERS):
        # Should a peer connect meanwhile, ZeroMQ ends the process.
        do, halts = _on(limits.no_descriptors, _pids(name)), _halted(name)
        yield Fault(f"no descriptors for {_shown(name)}", do, A_WHILE_S, halts=halts, loses=True)
    yield Fault(
        f"no memory for {FETCHER}",
        lambda world: limits.no_memory(_pids(FETCHER)(world)[0], world.site),
        spoils=frozenset({MANNERS[SWELLING].reason}),
        halts=_halted(FETCHER),
        loses=True,
    )


def _sites() -> Iterator[Fault]:
    for name, manner in MANNERS.items():
        if name not in {ANSWERING, SWELLING}:
            spoils = frozenset({manner.reason} - {""})
            whose = _numbered(manner.means)
            yield Fault(f"site {name}", _site(name), A_WHILE_S, spoils=spoils, whose=whose)
    for name, kinds, reason in (
        ("with bad certificates", UNTRUSTED, "tls"),
        ("going away in HTTP/2", KINDS[len(UNTRUSTED) :], "reset"),
    ):
        yield Fault(
            f"sites {name}",
            _encrypted(kinds),
            A_WHILE_S,
            frozenset({reason}),
            OPEN_S,
            targets.is_of(kinds),
        )
    yield Fault("kill -9 site", lambda world: world.site.gone(), A_WHILE_S, spoils=GONE)
    stopped = _on(processes.stopped, lambda world: [world.site.pid])
    yield Fault("stop site", stopped, A_WHILE_S, spoils=GONE)


def _names() -> Iterator[Fault]:
    """Where it is silent for all, or refuses, no name is to blame: that is our own trouble."""
    yield Fault("stop name server", _on(processes.stopped, lambda world: [world.names.pid]), A_WHILE_S)
    yield Fault("kill -9 name server", lambda world: world.names.gone(), A_WHILE_S)
    for name, manner in names.MANNERS.items():
        if name != ANSWERING:
            do, spoils = _name_server(name), DNS & {manner.reason}
            yield Fault(f"name server {name}", do, A_WHILE_S, spoils, NAMES_LINGER_S, targets.is_named)
    for count in (FEW, MANY):
        yield Fault(
            f"{count} silent names",
            _more(partial(targets.silent, count)),
            ASKED_S,
            DNS,
            OPEN_S,
            targets.is_silent,
        )


def _operators() -> Iterator[Fault]:
    yield Fault("reload another list", _more(targets.guests), A_WHILE_S)
    for number in (1, 3):
        yield Fault(f"scale {number}", _scaled(number), A_WHILE_S, halts=frozenset({"fetcher"}))
    killed, stuck = _of_system(operators.supervisord_killed), _of_system(operators.supervisord_stuck)
    # All make way at once: what is on its way to an aggregator that has left is lost with it.
    yield Fault(f"kill -9 {SUPERVISORD}", killed, 1.0, halts=ALL, loses=True)
    yield Fault(f"stop {SUPERVISORD} for good", stuck, A_WHILE_S, halts=ALL, loses=True)
    yield Fault("drain and start", _of_system(operators.upgraded), halts=ALL)
    for own, other in (("data_dir", "run_dir"), ("run_dir", "data_dir")):
        yield Fault(f"a second instance on the {other}", _rival(own))


def _garbage() -> Iterator[Fault]:
    yield Fault("garbage in inboxes", _with_run_dir(garbage.on_inboxes), 1.0)
    yield Fault("garbage on control sockets", _with_run_dir(garbage.on_controls), 1.0)
    yield Fault(
        "garbage on the websocket",
        lambda world: garbage.on_websocket(world.websocket_port, world.random),
        1.0,
    )


def _networks(network: Network | None) -> Iterator[Fault]:
    if network is not None:
        yield Fault("interface down", lambda _world: network.down(), AWAY_S)
        yield Fault("no route", lambda _world: network.without_route(), A_WHILE_S)
        if network.can_be_slow:
            yield Fault("slow and lossy link", lambda _world: network.slow(), A_WHILE_S, GONE | DNS, LOST_S)
        yield Fault("no local ports", lambda _world: network.without_ports(), A_WHILE_S)


def _is_watched(name: str) -> bool:
    """Whether somebody looks after it: the pool after fetchers, an event listener after all others."""
    return name in {FETCHER, FETCHERS} or "[eventlistener:" in CONF.read_text(encoding="utf-8")


def _shown(name: str) -> str:
    return "pool" if name == POOL else name


def _halted(name: str) -> frozenset[str]:
    if name in {FETCHER, FETCHERS}:
        return frozenset({"fetcher"})
    # Without their pool they leave.
    return frozenset({name, "fetcher"}) if name == POOL else frozenset({name})


def _pids(name: str) -> Pids:
    """The processes that go by this name when it strikes."""

    def found(world: World) -> list[int]:
        system = world.system
        if name == FETCHER:
            return [system.pid(world.random.choice(system.fetchers()))]
        return [system.pid(one) for one in (system.fetchers() if name == FETCHERS else [name])]

    return found


def _on(do: Callable[..., AbstractContextManager[object]], pids: Pids) -> Do:
    return lambda world: do(*pids(world))


def _limited(name: str) -> Do:
    log = "url_status.log" if name == "aggregator" else "downloads.db"

    def limited(world: World) -> AbstractContextManager[object]:
        than = (world.system.data_dir / log).stat().st_size if name != FETCHERS else 1 << 20
        return limits.no_larger_files(*_pids(name)(world), than=than)

    return limited


def _site(manner: str) -> Do:
    return lambda world: world.site.behaving(manner)


def _name_server(manner: str) -> Do:
    return lambda world: world.names.behaving(manner)


def _encrypted(kinds: Collection[str]) -> Do:
    return lambda world: operators.another_list(world, targets.encrypted(kinds, world.encrypted_ports))


def _numbered(means: Callable[[int], bool]) -> Callable[[str], bool]:
    return lambda url: means(number_of(url))


def _more(at_port: Callable[[int], list[targets.Target]]) -> Do:
    return lambda world: operators.another_list(world, at_port(world.site.port))


def _scaled(fetchers: int) -> Do:
    return lambda world: operators.scaled(world.system, fetchers)


def _rival(own: str) -> Do:
    return lambda world: rivals.second_instance(world.system, own)


def _of_system(do: Callable[[Supervised], AbstractContextManager[object]]) -> Do:
    return lambda world: do(world.system)


def _with_run_dir(do: Callable[..., AbstractContextManager[object]]) -> Do:
    return lambda world: do(world.system.addresses.run_dir, world.random)
