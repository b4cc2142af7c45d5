"""The status of a trial, and the questions that a status answers."""

from enum import StrEnum


class Status(StrEnum):
    """The status of a trial; records hold its text, such as ``finished``."""

    RUNNING = "running"
    """The trial trains, or waits for a worker."""
    FINISHED = "finished"
    """The trial reached its budget."""
    EXPIRED = "expired"
    """The time of the sweep was over."""
    STOPPED = "stopped"
    """The trial was stopped early, at a rung."""
    COLLAPSED = "collapsed"
    """The training was called dead."""
    FAILED = "failed"
    """The trial's workers failed more often than the spec allows."""
    INTERRUPTED = "interrupted"
    """The trial's driver ended before the trial did."""

    @property
    def resumable(self) -> bool:
        """Whether such a trial can go on training."""
        return self in (Status.RUNNING, Status.INTERRUPTED)

    @property
    def ended(self) -> bool:
        """Whether such a trial trains no more."""
        return not self.resumable

    @property
    def to_the_end(self) -> bool:
        """Whether such a trial was trained for as long as there was: it may go on if there is more."""
        return self in (Status.FINISHED, Status.EXPIRED)

    @property
    def out_of_play(self) -> bool:
        """Whether such a trial is shown apart from the ranked ones, since its earlier values cannot win."""
        return self in (Status.COLLAPSED, Status.FAILED)


RESUMABLE = tuple(status for status in Status if status.resumable)
"""The statuses of trials that can go on training, for filters of tables."""
