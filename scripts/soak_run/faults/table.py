"""All faults of the soak."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from scripts.bench_run.system import ACTORS
from scripts.soak_run import witness
from scripts.soak_run.fault import Fault
from scripts.soak_run.faults import disk, garbage, operators, processes, site
from scripts.soak_run.system import CONF, SUPERVISORD
from scripts.soak_run.world import World

STOPPED_S = 3.0
A_WHILE_S = 5.0
FETCHER, FETCHERS, POOL = "one fetcher", "all fetchers", "fetchers"
# What a client of a site that is gone, or stands still, may see.
GONE = frozenset({"connect", "reset", "timeout"})
NAMES = frozenset({"dns"})
# A lookup that failed is not repeated for two seconds.
NAMES_LINGER_S = 3.0

Pids = Callable[[World], list[int]]


def faults(world: World) -> list[Fault]:
    """Those that can be had here."""
    return [*_processes(), *_disks(world), *_sites(), *_operators(), *_garbage()]


def _processes() -> Iterator[Fault]:
    for name in (*ACTORS, FETCHER, FETCHERS):
        halts, shown, pids = _halted(name), "pool" if name == POOL else name, _pids(name)
        yield Fault(f"kill -9 {shown}", _on(processes.killed, pids), halts=halts, loses=True)
        yield Fault(f"stop {shown}", _on(processes.stopped, pids), STOPPED_S, halts=halts)
        if _is_watched(name):
            do = _on(processes.stopped_for_good, pids)
            yield Fault(f"stop {shown} for good", do, halts=halts, loses=True)
    yield Fault(f"stop {SUPERVISORD}", _on(processes.stopped, _pids(SUPERVISORD)), STOPPED_S)
    yield Fault("busy processors", lambda _world: processes.busy(), A_WHILE_S)


def _disks(world: World) -> Iterator[Fault]:
    full = world.disk
    if full is not None:
        yield Fault("full disk", lambda _world: full.full(), A_WHILE_S)
    for name in ("aggregator", "wsbridge", FETCHERS):
        yield Fault(f"files of {name} at their limit", _limited(name), A_WHILE_S)


def _sites() -> Iterator[Fault]:
    reasons = {
        witness.SLOW: frozenset[str](),
        witness.FAILING: {"http_status"},
        witness.HANGING: {"timeout"},
        witness.RESETTING: {"reset"},
        witness.SHORT: {"reset"},
    }
    for manner, spoils in reasons.items():
        yield Fault(f"site {manner}", _behaving(manner), A_WHILE_S, spoils=frozenset(spoils))
    yield Fault("kill -9 site", lambda world: site.gone(world.site), A_WHILE_S, spoils=GONE)
    stopped = _on(processes.stopped, lambda world: [world.site.pid])
    yield Fault("stop site", stopped, A_WHILE_S, spoils=GONE)
    stopped = _on(processes.stopped, lambda world: [world.names_pid])
    yield Fault("name server silent", stopped, A_WHILE_S, spoils=NAMES, lingers_s=NAMES_LINGER_S)


def _operators() -> Iterator[Fault]:
    all_ = frozenset({*ACTORS, "fetcher"})
    yield Fault("reload another list", operators.another_list, A_WHILE_S, loses=True)
    for number in (1, 3):
        yield Fault(f"scale {number}", _scaled(number), A_WHILE_S, halts=frozenset({"fetcher"}))
    killed, stuck, upgraded = operators.supervisord_killed, operators.supervisord_stuck, operators.upgraded
    yield Fault(f"kill -9 {SUPERVISORD}", lambda world: killed(world.system), 1.0, halts=all_)
    yield Fault(f"stop {SUPERVISORD} for good", lambda world: stuck(world.system), A_WHILE_S, halts=all_)
    yield Fault("drain and start", lambda world: upgraded(world.system), halts=all_)


def _garbage() -> Iterator[Fault]:
    yield Fault("garbage in inboxes", _with_run_dir(garbage.on_inboxes), 1.0)
    yield Fault("garbage on control sockets", _with_run_dir(garbage.on_controls), 1.0)
    yield Fault(
        "garbage on the websocket",
        lambda world: garbage.on_websocket(world.websocket_port, world.random),
        1.0,
    )


def _is_watched(name: str) -> bool:
    """Whether somebody looks after it: the pool after fetchers, an event listener after all others."""
    return name in {FETCHER, FETCHERS} or "[eventlistener:" in CONF.read_text(encoding="utf-8")


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


def _on(
    do: Callable[..., AbstractContextManager[object]], pids: Pids
) -> Callable[[World], AbstractContextManager[object]]:
    return lambda world: do(*pids(world))


def _limited(name: str) -> Callable[[World], AbstractContextManager[object]]:
    log = "url_status.log" if name == "aggregator" else "downloads.db"

    def limited(world: World) -> AbstractContextManager[object]:
        than = (world.system.data_dir / log).stat().st_size if name != FETCHERS else 1 << 20
        return disk.no_larger_files(*_pids(name)(world), than=than)

    return limited


def _behaving(manner: str) -> Callable[[World], AbstractContextManager[object]]:
    return lambda world: world.site.behaving(manner)


def _scaled(fetchers: int) -> Callable[[World], AbstractContextManager[object]]:
    return lambda world: operators.scaled(world.system, fetchers)


def _with_run_dir(
    do: Callable[..., AbstractContextManager[object]],
) -> Callable[[World], AbstractContextManager[object]]:
    return lambda world: do(world.system.addresses.run_dir, world.random)
