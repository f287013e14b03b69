"""Whose trouble it is when a question for a name is not answered in time: the name's, or our name server's.

Pure: moments are given, in seconds of the monotonic clock.
"""

from __future__ import annotations

from collections import deque

from pagestatus.messages import Reason

# What is answered later than this may have been lost at first, and says nothing of the moment at which it was
# asked. Less than two tries of a question: where the first has a quarter of a second, the second ends later.
PROMPT_S = 0.5
# Longer than a question may be open; and moments that are nearer to each other than that count as one.
KEPT_S, GRAIN_S = 60.0, 0.02


class Silence:
    """A name is to blame only by comparison: if others that were asked after it were answered at once.

    And before it is asked for the last time, since a name server that comes back after that has not heard of
    it. Else the name server is silent, or behind, and that says nothing about the name.
    """

    def __init__(self) -> None:
        # When questions were asked that were answered at once, in this order.
        self._prompt: deque[float] = deque()
        # Since when the present name servers are asked.
        self._since = 0.0

    def answered(self, asked_at: float, now: float) -> None:
        """The name server has said something to a question of that moment, whatever it was."""
        prompt = self._prompt
        if now - asked_at > PROMPT_S or (prompt and asked_at < prompt[-1] + GRAIN_S):
            return
        prompt.append(asked_at)
        while prompt[0] < now - KEPT_S:
            prompt.popleft()

    def others_are_asked(self, now: float) -> None:
        """What the new name servers answer says nothing about the silence of those before."""
        self._since = now

    def is_open(self, asked_at: float) -> bool:
        """Whether nothing is known yet that could blame the name."""
        return not self._prompt or self._prompt[-1] <= asked_at

    def why(self, asked_at: float, by: float) -> Reason:
        """Why a question of that moment is open for too long, when only those asked ``by`` then count."""
        latest = next((moment for moment in reversed(self._prompt) if moment <= by), 0.0)
        return Reason.DNS if latest > asked_at > self._since else Reason.NAME_SERVER
