"""The rows of parts that a driver has in memory, and their texts."""

from collections.abc import Iterable

from sweep.records.rows import Row, row_json


class InMemory:
    """Rows by dataset and trial, each with its text once that was asked for."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, int | None], list[Row]] = {}
        # With each text its row, so that no other row has its identity.
        self._texts: dict[tuple[str, int | None], dict[int, tuple[Row, str]]] = {}

    def get(self, dataset: str, trial: int | None) -> list[Row] | None:
        """Give the rows of a part; None where they are not in memory."""
        return self._rows.get((dataset, trial))

    def put(self, dataset: str, trial: int | None, rows: list[Row]) -> None:
        """Take in the rows of a part."""
        self._rows[dataset, trial] = rows

    def texts(self, dataset: str, trial: int) -> list[str]:
        """Give the rows of a part, which are in memory, as JSON; that of a row is made once."""
        known = self._texts.get((dataset, trial), {})
        made = {id(row): known.get(id(row)) or (row, row_json(row)) for row in self._rows[dataset, trial]}
        self._texts[dataset, trial] = made
        return [text for _, text in made.values()]

    def forget(self, dataset: str, trials: Iterable[int | None]) -> None:
        """Keep the rows of some trials no longer; they are read again where they are asked for."""
        for trial in trials:
            self._rows.pop((dataset, trial), None)
            self._texts.pop((dataset, trial), None)

    def trials(self) -> set[int | None]:
        """Tell of which trials there are any rows."""
        return {trial for (_, trial), rows in self._rows.items() if rows}
