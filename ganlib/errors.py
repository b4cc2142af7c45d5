"""The two errors that are meant for people.

Everything a user can get wrong raises `RequestError` (exit code 2); everything that goes wrong although the
request was right raises `WorkError` (exit code 1). The text of both says what was wrong, where, and what to do;
the command line prints it without a traceback.
"""


class RequestError(ValueError):
    """The request was wrong: a bad path, name, value or combination. Nothing was started."""


class WorkError(RuntimeError):
    """The request was right, but the work failed: a full disk, a lost network, a broken file."""


NO_MEMORY = "memory ran out: free some, or allow fewer cores (taskset)"
"""What is told where processes that work side by side need more memory than there is."""
