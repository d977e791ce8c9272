"""What a training takes: seconds of the wall clock and steps, told where its origins are."""

import time
from collections.abc import Callable
from threading import Lock

from disentbench.storage.provenance import SPENT
from disentbench.training.state import State


class Clock:
    """Seconds of the wall clock, each shared alike among what runs in it, so that shares sum to it.

    Members may train at once in threads of one process; what all of them took is then its time.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic):
        self.now = now
        self.lock = Lock()
        self.shares: dict[State, float] = {}
        self.last = now()

    def start(self, state: State) -> None:
        """From now on a state has its share."""
        with self.lock:
            self._share()
            self.shares[state] = 0.0

    def taken(self, state: State) -> float:
        """The share of a state since it was last asked for."""
        with self.lock:
            self._share()
            seconds, self.shares[state] = self.shares[state], 0.0
            return seconds

    def stop(self, state: State) -> None:
        """From now on the others share."""
        with self.lock:
            self._share()
            del self.shares[state]

    def _share(self) -> None:
        now = self.now()
        for state in self.shares:
            self.shares[state] += (now - self.last) / len(self.shares)
        self.last = now


class Effort:
    """What the members' steps take, added to the last of their origins.

    `origin` is where and with what they are made in this process.
    """

    def __init__(self, origin: dict, clock: Clock):
        self.origin = origin
        self.clock = clock
        self.steps: dict[State, int] = {}  # up to which all is noted

    def begin(self, state: State) -> None:
        """Steps begin, which are added to those before if all but their time is alike."""
        before = state.origins[-1] if state.origins else {}
        spent = {key: before[key] for key in SPENT if key in before}
        state.begin(self.origin | spent)
        if not spent or state.origins[-1] is not before:
            state.origins[-1] |= dict.fromkeys(SPENT, 0)
        self.steps[state] = state.step
        self.clock.start(state)

    def note(self, state: State) -> None:
        """Add what was taken since the last note."""
        made = (state.step - self.steps[state]) * len(state.failed)
        spent = dict(zip(SPENT, (self.clock.taken(state), made), strict=True))
        self.steps[state] = state.step
        for key, more in spent.items():
            state.origins[-1][key] += more

    def end(self, state: State) -> None:
        """The last step is made, and nothing of the state is kept."""
        self.note(state)
        self.clock.stop(state)
        del self.steps[state]
