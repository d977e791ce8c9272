"""Signals that end a command where it is: what it was writing goes, and one sentence says so."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer
from types import FrameType

from disentbench.errors import Stopped

AGAIN = 0.02  # seconds after which a signal that came while HDF5 wrote comes again
HDF5 = ("h5py", "disentbench.storage.hdf5")  # whose calls no exception may leave: see `stoppable`


@contextmanager
def stoppable(what: Callable[[], str]) -> Iterator[None]:
    """Have the first signal end the block, and its sentence say `what` is left; a Stopped.

    It ends as by ctrl-C: what cleans up runs, undisturbed by further signals, and nothing on the
    way takes it for an error. HDF5 cannot close a file while an exception is on its way through a
    write, so that a signal waits until it is not at work.
    """
    from disentbench.training.interruption import SIGNALS

    came: list[int] = []
    waiting: list[Timer] = []

    def stop(number: int, frame: FrameType | None) -> None:
        if came:
            return
        if _within_hdf5(frame):
            waiting.append(Timer(AGAIN, os.kill, (os.getpid(), number)))
            waiting[-1].daemon = True
            waiting[-1].start()
            return
        came.append(number)
        raise KeyboardInterrupt

    heeded = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in heeded}
    try:
        yield
    except KeyboardInterrupt:
        number = signal.Signals(came[0] if came else signal.SIGINT)
        raise Stopped(f"stopped by {number.name}; {what()}", number) from None
    finally:
        for timer in waiting:
            timer.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)


def _within_hdf5(frame: FrameType | None) -> bool:
    """Whether HDF5 is at work, or one of the functions that it calls."""
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name.partition(".")[0] == HDF5[0]:
            return True
        if name == HDF5[1] and frame.f_code.co_name in ("write", "truncate"):
            return True
        frame = frame.f_back
    return False
