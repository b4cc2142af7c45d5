"""A trial's side of the lease: it looks now and then whether to stop."""

import time

from sweep.storage.folder import Folder
from sweep.storage.lease import POLL_SECONDS, Lease, read


class Tenant:
    """Call it to learn whether to stop. It reads the lease every `sweep.storage.lease.POLL_SECONDS`.

    A lease that is not there, or cannot be made out, is believed at the second look: it may be replaced at this moment,
    and whoever believes too soon ends the whole sweep. Nor is the owner believed from whom this one took over: a write
    of that one was on its way, and this one writes its own again.

    Attributes:
        over: The last answer.
    """

    def __init__(self, folder: Folder, owner: str) -> None:
        self.folder, self.owner = folder, owner
        self._next, self.over, self._missed, self._before = time.monotonic() + POLL_SECONDS, False, False, ""

    def __call__(self) -> bool:
        """Tell whether the trial is to stop."""
        if not self.over and time.monotonic() >= self._next:
            self._next = time.monotonic() + POLL_SECONDS
            lease = read(self.folder)
            self.over = self._missed if lease is None else self._ends(lease)
            self._missed = lease is None
        return self.over

    def _ends(self, lease: Lease) -> bool:
        if lease.owner == self.owner:
            self._before = lease.before
            return lease.stopping
        return not self._before or lease.owner != self._before
