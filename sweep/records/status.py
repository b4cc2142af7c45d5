"""What can be said of a trial: how it stands, and which questions that answers."""

from enum import StrEnum


class Status(StrEnum):
    """How a trial stands. In records it is its text, such as ``finished``."""

    RUNNING = "running"
    FINISHED = "finished"
    """It reached its budget."""
    STOPPED = "stopped"
    """It was stopped early, at a rung."""
    COLLAPSED = "collapsed"
    """Its training was called dead."""
    FAILED = "failed"
    """Its worker gave up more often than was allowed."""
    INTERRUPTED = "interrupted"

    @property
    def resumable(self) -> bool:
        """Whether such a trial can go on training."""
        return self in (Status.RUNNING, Status.INTERRUPTED)

    @property
    def ended(self) -> bool:
        """Whether such a trial trains no more."""
        return not self.resumable

    @property
    def out_of_play(self) -> bool:
        """Whether such a trial is shown apart from the ranked ones: what it had before its end does not win."""
        return self in (Status.COLLAPSED, Status.FAILED)


RESUMABLE = tuple(status for status in Status if status.resumable)
"""For filters of tables."""
