"""Name every kind of event that is on record of a sweep."""

from enum import StrEnum


class EventKind(StrEnum):
    """What an event in the dataset ``events`` tells of. In records it is its text, such as ``restart``."""

    SKIPPED_FILE = "skipped_file"
    """A file of the data could not be used."""
    LEFT_OUT = "left_out"
    """Files were not taken for pictures."""
    BEGUN = "begun"
    """A trial begins with weights of its ancestor."""
    NOTE = "note"
    """Something that the spec asks for is done otherwise."""
    RESTART = "restart"
    """A trial's worker gave up, and the trial is tried again."""
    FAILURE = "failure"
    """A trial's worker gave up, and so did the sweep on the trial."""
    COLLAPSE = "collapse"
    """A run was called dead, and ended."""
    ROLLBACK = "rollback"
    """A run was called dead, and goes on from an older checkpoint."""
    STALE_REPORT = "stale_report"
    """A worker that was thought dead said something."""
    DAMAGED_CHECKPOINT = "damaged_checkpoint"
    """A checkpoint was passed over for the one before it."""
    UNDER_FLOOR = "under_floor"
    """A score is too good to be honest."""
    NO_RESULT = "no_result"
    """A trial that has ended could not be measured."""
    EXTENDED = "extended"
    """A trial that had finished goes on with a longer budget."""
