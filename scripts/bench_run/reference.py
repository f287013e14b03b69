"""Runs one of ``references`` beside the site, reads what it tells, and holds us against it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.bench_run.clients import Failed
from scripts.bench_run.site import Pages
from scripts.bench_run.use import Use

ROOT = Path(__file__).parents[2]
LONGEST_S = 120
END_S = 5


@dataclass(frozen=True)
class Reference:
    """CPU of one request, microseconds, and requests a second."""

    us: float
    per_second: float


@dataclass(frozen=True)
class Round:
    """We and others, one right after the other: what the machine does in between is not in their ratio."""

    use: Use
    references: Mapping[str, Reference]

    def ratio(self, name: str) -> float:
        return self.use.us_a_check / self.references[name].us


def reference(name: str, site: Pages, requests: int, *options: str, loops: int = 1) -> Reference:
    """``loops`` processes that share the requests; raises ``Failed``."""
    each = max(1, requests // loops)
    fixed = ["--requests", str(each), "--scheme", site.scheme, "--port", str(site.port), *options]
    command = [sys.executable, "-m", f"scripts.bench_run.references.{name}", *fixed]
    with ExitStack() as stack:
        processes = [
            stack.enter_context(_running([*command, "--first", str(number * each)]))
            for number in range(loops)
        ]
        answers = [_answer(name, process) for process in processes]
    return Reference(
        sum(answer["us"] for answer in answers) / loops, sum(answer["per_second"] for answer in answers)
    )


@contextmanager
def _running(command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """For as long as this lasts: what went wrong is not to run on beside what is measured next."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.communicate(timeout=END_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _answer(name: str, process: subprocess.Popen[str]) -> dict[str, float]:
    try:
        out, errors = process.communicate(timeout=LONGEST_S)
    except subprocess.TimeoutExpired:
        raise Failed(f"{name}: not done after {LONGEST_S} s") from None
    if process.returncode:
        raise Failed(f"{name}: {(errors.splitlines() or ['ended without a word'])[-1]}")
    answer: dict[str, float] = json.loads(out)
    return answer
