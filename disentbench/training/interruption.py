"""What a training must heed: signals that end it, and the lock that keeps a second trainer away."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import SoftFileLease, Timeout

from disentbench.errors import UserError
from disentbench.storage import files

# A holder shows that it lives every ten seconds. One of this machine that has died is found out at
# once; one of another machine when it has shown nothing for the length of a lease, by our clock.
LEASE_SECONDS = 30.0
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Interruption:
    """The signal that asks a training to stop, once one came, and the lock that it must still hold.

    Without a lease there is no lock that could be lost.
    """

    def __init__(self, lease: SoftFileLease | None = None):
        self.lease = lease
        self.signal: int | None = None

    def note(self, number: int, _: object) -> None:
        """Note a signal, as a handler does."""
        self.signal = number

    def require_lock(self) -> None:
        """Raise if somebody else has taken the lock."""
        if self.lease is not None and self.lease.compromise is not None:
            raise UserError(
                f"the lock {self.lease.lock_file} was lost ({self.lease.compromise.reason}):"
                " another process may train this pack by now, so this one leaves without saving"
            )


@contextmanager
def interruptible(lock: Path, wait: int) -> Iterator[Interruption]:
    """Hold a lock and note signals instead of dying of them.

    Waits `wait` seconds for a holder to end; one that died is not waited for longer than its lease.
    Raises a UserError that names a holder which lives.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    lease = SoftFileLease(lock, lease_duration=LEASE_SECONDS)
    with files.naming(lock):
        _acquire(lease, wait)
    try:
        watch = Interruption(lease)
        heeded = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
        before = {number: signal.signal(number, watch.note) for number in heeded}
        try:
            yield watch
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    finally:
        lease.release()


def _acquire(lease: SoftFileLease, wait: int) -> None:
    try:
        lease.acquire(timeout=0)
        return
    except Timeout:
        print(f"{_holder(lease)} trains this pack; waiting for it", file=sys.stderr, flush=True)
    try:
        lease.acquire(timeout=wait, poll_interval=0.5)
    except Timeout:
        raise UserError(
            f"{_holder(lease)} trains this pack and holds {lease.lock_file}; let it end or stop it,"
            " then run this again"
        ) from None


def _holder(lease: SoftFileLease) -> str:
    """Who holds a lock, in words."""
    owner = lease.owner
    return f"process {owner.pid} on {owner.hostname.split('?')[0]}" if owner else "another process"
