"""The witness as others see it: started, told how to behave, killed, and started again at the same port."""

from __future__ import annotations

from pathlib import Path

from scripts.soak_run.ports import held_port
from scripts.soak_run.servant import Servant


class Site(Servant):
    """One witness at a time."""

    def __init__(self, folder: Path) -> None:
        """Start the first one; raises ``NotEnough``."""
        self.record = folder / "witness.log"
        self._held = held_port()
        self.port: int = self._held.getsockname()[1]
        super().__init__("scripts.soak_run.witness", str(self.port), str(self.record))

    def close(self) -> None:
        """End it for good."""
        self.kill()
        self._held.close()
