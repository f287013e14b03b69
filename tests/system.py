"""The real processes, with a run_dir, a data_dir and a list of their own; and waiting for what they do."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from bridge_client import BridgeClient
from leftovers import end_all
from pagestatus.addresses import Addresses
from pagestatus.control import NoAnswer, ask
from scripts.audit import log, minutes
from scripts.audit.__main__ import intervals_us
from scripts.audit.slots import gathered
from scripts.soak_run.ports import held_port

T = TypeVar("T")
Target = Mapping[str, object]

SLOWNESS = float(os.environ.get("PAGESTATUS_TEST_SLOWNESS", "1"))
# In the order in which they are to drain.
ACTORS = ("wsbridge", "scheduler", "fetchers", "aggregator")
POLL_S = 0.02
LOG_SHOWN = 4000


def eventually(condition: Callable[[], T | None], what: str, within_s: float = 10) -> T:
    """Wait until ``condition`` gives something true, and return it; ``within_s`` grows with the slowness."""
    deadline = time.monotonic() + within_s * SLOWNESS
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"still not so after {within_s * SLOWNESS:g} s: {what}")
        time.sleep(POLL_S)
    return found


def environment(**settings: object) -> dict[str, str]:
    """Our own environment, with these settings and no others."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PAGESTATUS_")}
    given = {f"PAGESTATUS_{key.upper().replace('.', '_')}": str(value) for key, value in settings.items()}
    return inherited | given


def short_folder() -> Path:
    """A new folder for sockets: their paths may have 107 bytes, and pytest's own folders are deep."""
    return Path(tempfile.mkdtemp(prefix="pagestatus-test-"))


class System:
    """A bridge, a scheduler, a pool of fetchers and an aggregator, started and ended by the test."""

    def __init__(self, folder: Path, targets: Sequence[Target], **settings: object) -> None:
        """``settings`` are configuration keys, with ``__`` for the dot; downloads may come from loopback."""
        self.run_dir = short_folder()
        self.data_dir = folder / "var"
        self.urls = folder / "urls.json"
        self.addresses = Addresses(self.run_dir)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._held_port = held_port()
        self.websocket_port: int = self._held_port.getsockname()[1]
        self._clients: list[BridgeClient] = []
        self._folder = folder
        self.write_list(targets)
        defaults = {
            "fetchers": 1,
            "websocket__port": self.websocket_port,
            "downloads__allow_private": "true",
        }
        self.environment = environment(
            run_dir=self.run_dir,
            data_dir=self.data_dir,
            urls=self.urls,
            **{key.replace("__", "."): value for key, value in {**defaults, **settings}.items()},
        )

    def write_list(self, targets: Sequence[Target]) -> None:
        partial = self.urls.with_suffix(".part")
        partial.write_text(json.dumps(targets), encoding="utf-8")
        partial.replace(self.urls)

    # --- processes -------------------------------------------------------------------------------

    def start(self, *names: str) -> None:
        """Start processes (all of them, when none is named); who has ended may be started again."""
        for name in names or ACTORS:
            with (self._folder / f"{name}.out").open("ab") as output:
                self.processes[name] = subprocess.Popen(
                    [sys.executable, "-m", name, "--log-file"],
                    cwd=self._folder,
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    # So that Ctrl-C ends the tests, which end these.
                    start_new_session=True,
                )

    def signal(self, name: str, number: signal.Signals) -> None:
        self.processes[name].send_signal(number)

    def kill(self, name: str) -> None:
        """SIGKILL to one process alone, and wait for its end."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def drain(self, *names: str, within_s: float = 30) -> dict[str, int]:
        """TERM, one process after the other; their exit codes."""
        codes = {}
        for name in names or ACTORS:
            process = self.processes.pop(name)
            process.terminate()
            codes[name] = process.wait(within_s * SLOWNESS)
        return codes

    def connect(self, **options: Any) -> BridgeClient:  # noqa: ANN401 - those of websockets
        """A new client of the bridge, which must listen; it goes with the system."""
        self._clients.append(BridgeClient(self.websocket_port, SLOWNESS, **options))
        return self._clients[-1]

    def close(self) -> None:
        """End whatever is left, and show what the processes said (pytest shows it when the test fails)."""
        end_all(self.run_dir)
        for process in self.processes.values():
            process.wait()
        # After who would have to answer them: some tests stop it.
        for client in self._clients:
            client.close()
        self._held_port.close()
        for path in sorted((*self._folder.glob("*.out"), *self.data_dir.glob("*.log"))):
            said = path.read_text(encoding="utf-8", errors="replace")
            sys.stdout.write(f"--- {path.name}\n{said[-LOG_SHOWN:]}\n")
        shutil.rmtree(self.run_dir, ignore_errors=True)

    # --- asking ----------------------------------------------------------------------------------

    def ask(self, name: str, command: str, **params: object) -> Any:  # noqa: ANN401 - whatever JSON can say
        """What a process answers; None when nobody does."""
        try:
            return ask(self.addresses.control(name), command, params, timeout_s=2 * SLOWNESS)
        except NoAnswer:
            return None

    def ctl_command(self, *arguments: str) -> list[str]:
        """To be run in our ``environment``."""
        return [sys.executable, "-m", "pagestatus.ctl", *arguments]

    def ctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``pagestatus-ctl``."""
        return subprocess.run(
            self.ctl_command(*arguments),
            cwd=self._folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=30 * SLOWNESS,
        )

    def schedule(self) -> dict[str, Any]:
        """The scheduler's books, seen to balance; empty when it does not answer."""
        answer = self.ask("scheduler", "status")
        if answer is None or "schedule" not in answer:
            return {}
        books: dict[str, Any] = answer["schedule"]
        settled = books["checked_total"] + sum(books["missed_total"].values())
        assert books["due_total"] == settled + books["in_flight"], books
        return books

    def fetcher_pids(self) -> dict[str, int]:
        """The fetchers that the pool has, by name."""
        answer = self.ask("fetchers", "status") or {"fetchers": []}
        return {
            fetcher["name"]: fetcher["pid"] for fetcher in answer["fetchers"] if fetcher["state"] == "running"
        }

    @property
    def downloads_dir(self) -> Path:
        """Where files arrive."""
        return self.data_dir / "downloads"

    def listening(self) -> bool:
        """Whether the bridge answers, which it does when it listens."""
        return self.ask("wsbridge", "status") is not None

    def checked(self) -> int:
        """Slots checked since the scheduler started."""
        return int(self.schedule().get("checked_total", 0))

    def until_checked(self, more: int, within_s: float = 20) -> None:
        """Wait until ``more`` slots than now are checked, looking at the books all the while."""
        wanted = self.checked() + more
        eventually(lambda: self.checked() >= wanted, f"{more} more slots are checked", within_s)

    def state(self) -> str:
        """What ``pagestatus-ctl status`` calls the whole."""
        state: str = json.loads(self.ctl("status", "--json").stdout)["state"]
        return state

    # --- what is left of it ----------------------------------------------------------------------

    def lines(self) -> list[log.Line]:
        """The results so far."""
        return list(log.lines(self.data_dir))

    def said(self) -> str:
        """The text of the results so far, which may end in the middle of a line."""
        path = self.data_dir / "url_status.log"
        return path.read_text(encoding="ascii") if path.exists() else ""

    def findings(self) -> Iterator[str]:
        """What breaks the promise of one final line for each slot; to be asked after the drain.

        And the other one, as far as that can be told here: a page that is always there did not fail.
        """
        lines = self.lines()
        yield from (
            f"{line}: that page is always there"
            for line in lines
            if line.outcome == "fail" and "/fast/" in (line.url or "")
        )
        yield from gathered(lines).findings(intervals_us(self.urls))
        yield from minutes.findings(lines, log.minutes(self.data_dir))
