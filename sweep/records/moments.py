"""The clock of a sweep's records: it goes on where the last driver's stood, whose machine may have had another time.

Without it, a driver on a machine whose clock is behind would have trials end before they began, and what came later
stand above what came before.
"""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc


class Moments:
    """Tells the time, which never is before what is on record."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def follow(self, *columns: pa.ChunkedArray) -> None:
        """Go on from the newest of some moments, where this machine's clock is behind it.

        Args:
            columns: The moments, as timestamps with a time zone; any may be null.
        """
        newest = [moment for column in columns if (moment := pc.max(column).as_py()) is not None]
        self._ahead = max([moment - datetime.now(UTC) for moment in newest] + [timedelta(0)])

    def __call__(self) -> datetime:
        """Tell the time, in UTC."""
        return datetime.now(UTC) + self._ahead
