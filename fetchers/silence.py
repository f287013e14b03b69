"""Whose trouble it is when a question for a name is not answered in time: the name's, or our name server's.

Pure: moments are given, in seconds of the monotonic clock.
"""

from __future__ import annotations

from pagestatus.messages import Reason


class Silence:
    """A name is to blame only by comparison: if something that was asked later has been answered.

    Else the name server is silent, or behind, and that says nothing about the name.
    """

    def __init__(self) -> None:
        # When the latest of the questions was asked that has been answered.
        self._answered_at = 0.0
        # Since when the present name servers are asked.
        self._since = 0.0

    def answered(self, asked_at: float) -> None:
        """The name server has said something to a question of that moment, whatever it was."""
        self._answered_at = max(self._answered_at, asked_at)

    def others_are_asked(self, now: float) -> None:
        """What the new name servers answer says nothing about the silence of those before."""
        self._since = now

    def is_open(self, asked_at: float) -> bool:
        """Whether nothing is known yet that could blame the name."""
        return self._answered_at <= asked_at

    def why(self, asked_at: float) -> Reason:
        """Why a question of that moment is open for too long."""
        is_names = asked_at > self._since and not self.is_open(asked_at)
        return Reason.DNS if is_names else Reason.NAME_SERVER
