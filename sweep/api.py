"""Sweeps from Python, in a notebook too: what the command line does, as functions and objects.

    >>> import sweep
    >>> faces = sweep.run("faces.yaml", overrides={"search.trials": 8}, local=True)  # doctest: +SKIP
    >>> faces.trials.sort_values("result")  # doctest: +SKIP
    >>> faces.export("export/faces")  # doctest: +SKIP

Errors are the command line's, as exceptions: `ganlib.errors.RequestError` for what was asked wrongly,
`ganlib.errors.WorkError` for work that failed. An interrupt (Ctrl-C, or *interrupt the kernel*) ends a run as it does
there: trials write a checkpoint, and `Sweep.resume` goes on.
"""

import time as clock
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganlib.errors import RequestError, WorkError
from ganlib.names import MEASURED
from sweep.commands.folder.asked import Asked, choose
from sweep.commands.run import resume, start
from sweep.durations import seconds as seconds_of
from sweep.records import catalog
from sweep.results.confirming.confirmation import read_confirmation
from sweep.results.ranking import board_of
from sweep.results.state import State, state_of
from sweep.runners.base import Options
from sweep.spec.given import assignment, document
from sweep.spec.specification import parse
from sweep.storage.called import called
from sweep.storage.opening import open_folder
from sweep.terminal.views import view_for

if TYPE_CHECKING:
    import pandas as pd
    from PIL import Image

    from sweep.results.leaderboard import Leaderboard

Spec = str | Path | Mapping[str, Any]
"""A spec's file or name, a folder of pictures, or the spec itself as a mapping of its sections."""


def run(
    what: Spec,
    *,
    name: str | None = None,
    time: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    storage: str | Path = "runs",
    local: bool = False,
    address: str | None = None,
    or_resume: bool = False,
) -> "Sweep":
    """Run a sweep to its end, and return it.

    Args:
        what: A spec's file, the name of a shipped one, a folder of pictures, or a spec as a mapping.
        name: Of the sweep; the spec's or the folder's otherwise.
        time: How long it may take on this machine, such as ``30m``: trials and rungs are fitted into it. A folder of
            pictures gets ``15m`` where nothing is said.
        overrides: Values put over the spec, by path: ``{"train.lr_g": 1e-4}``.
        storage: The folder or URL of all sweeps.
        local: One trial after another in this process, without Ray.
        address: HOST:PORT of a Ray cluster.
        or_resume: Go on with the sweep of that name, if there is one.

    Returns:
        The sweep; an interrupted one too, see `Sweep.done`.

    Raises:
        RequestError: If something was asked wrongly, or is not there.
        WorkError: If the work failed, or no trial can win: all have collapsed or failed, or break a wish.
    """
    given = tuple(assignment(path, value) for path, value in (overrides or {}).items())
    view, limit = view_for(False), None if time is None else _seconds(time)
    if isinstance(what, Mapping):
        asked = Asked("<mapping>", name, given, str(storage), limit, local, clock.monotonic(), document(what))
    else:
        # A name is a shipped spec's before a folder's, and a path is no name.
        place = str(what.absolute() if isinstance(what, Path) and what.is_dir() else what)
        asked = Asked(place, name, given, str(storage), limit, local, clock.monotonic())
    chosen = choose(asked, address is None, or_resume, view.say)
    options = Options(str(storage), local, address, False, chosen.text)
    if or_resume:
        from sweep.commands.or_resume import start_or_resume

        code = start_or_resume(chosen.spec, options)
    else:
        code = start(chosen.spec, options)
    return _ended(open(chosen.spec.name, storage), code)


def open(name: str | None = None, storage: str | Path = "runs") -> "Sweep":
    """Open a sweep that exists.

    Args:
        name: Its name, or the path of its folder; None for the newest.
        storage: The folder or URL of all sweeps.

    Raises:
        RequestError: If there is no such sweep.
    """
    return Sweep(catalog.open_sweep(open_folder(str(storage)), name), str(storage))


class Sweep:
    """A sweep: its tables, and what can be done with it. Made by `run` and `open`.

    Attributes:
        name: Its name.
        folder: The path or URL of its folder.
    """

    def __init__(self, found: catalog.Sweep, storage: str) -> None:
        self._found, self._storage = found, storage
        self.name, self.folder = found.name, found.folder.url

    def __repr__(self) -> str:
        return f"<sweep {self.name!r} in {self._storage}: {len(self._table('trials'))} trials>"

    def _repr_html_(self) -> str:
        """Show it in a notebook: its best trials, and the pictures of the first."""
        from sweep.terminal.notebook import summary

        return summary(self._found, self._board())

    @property
    def trials(self) -> "pd.DataFrame":
        """A row for each trial: status, searched values (``param.*``), result; needs pandas."""
        return self._table("trials")

    @property
    def metrics(self) -> "pd.DataFrame":
        """A row for each evaluation: kimg, losses, metrics; needs pandas."""
        return self._table("metrics")

    @property
    def results(self) -> "pd.DataFrame":
        """A row for each trial that was measured, of its best generator; needs pandas."""
        return self._table("results")

    @property
    def spec(self) -> dict[str, Any]:
        """The spec with every default, as plain values."""
        return parse(self._found.spec_text(), self.name).to_plain()

    @property
    def done(self) -> bool:
        """Whether all its trials have ended and have been measured; `resume` goes on with one that is not done."""
        return state_of(self._found, self._found.store.rows) is State.DONE

    def best(self) -> dict[str, Any]:
        """Give the best trial: ``trial``, ``params``, the metrics with their standard errors, ``kimg``, ``n_fake``.

        Raises:
            RequestError: If no trial can be ranked.
        """
        board = self._board()
        if not board.ranked:
            raise RequestError(board.nearest or f"no trial of '{self.name}' can be ranked: see its trials")
        entry = board.ranked[0]
        names = ("trial", "params", *MEASURED, "kimg", "n_fake")
        return {name: getattr(entry, name) for name in names}

    def picture(self, trial: int | None = None) -> "Image.Image":
        """Give the pictures of a trial's best evaluation on one sheet.

        Args:
            trial: Its number; None for the best.

        Raises:
            RequestError: If the trial has none.
        """
        from sweep.terminal.notebook import sheet

        entries = self._board().entries
        chosen = self.best()["trial"] if trial is None else trial
        for entry in entries:
            if entry.trial == chosen and (found := sheet(self._found.folder, entry)) is not None:
                return found
        raise RequestError(f"trial {chosen} of '{self.name}' has no pictures")

    def resume(self, *, local: bool = False, address: str | None = None) -> "Sweep":
        """Go on with it after an interruption; see `run` for the arguments and errors."""
        code = resume(self._found.folder, Options(self._storage, local, address))
        return _ended(open(self.name, self._storage), code)

    def extend(
        self,
        *,
        trials: int = 0,
        kimg: float | None = None,
        time: str | None = None,
        local: bool = False,
        address: str | None = None,
    ) -> "Sweep":
        """Add trials, a longer budget or more time, and go on; errors are those of `run`.

        Args:
            trials: How many to add.
            kimg: Train up to so many thousand pictures.
            time: Go on for so long, such as ``30m``.
            local: One trial after another in this process, without Ray.
            address: HOST:PORT of a Ray cluster.
        """
        limit = None if time is None else _seconds(time)
        options = Options(self._storage, local, address)
        code = resume(self._found.folder, options, trials, kimg, limit)
        return _ended(open(self.name, self._storage), code)

    def confirm(
        self, *, top: int = 5, seeds: int = 3, local: bool = False, address: str | None = None
    ) -> "Sweep":
        """Train the best configurations again with fresh seeds; prints what came of it.

        Args:
            top: How many configurations.
            seeds: Fresh seeds of each, on average at most.
            local: One trial after another in this process, without Ray.
            address: HOST:PORT of a Ray cluster.

        Raises:
            RequestError: If no trial can be ranked, or something asked for is not there.
            WorkError: If the work failed, or no run came to a result.
        """
        from sweep.commands.inside.confirm import confirm

        code = confirm(self._found, Options(self._storage, local, address), top, seeds)
        found = read_confirmation(self._found)
        if code and found and not any(repeats.values or repeats.pending for repeats in found.repeats):
            raise WorkError(f"no run of the confirmation of '{self.name}' has a result")
        return open(self.name, self._storage)

    def export(self, out: str | Path, trial: int | None = None, force: bool = False) -> Path:
        """Write the best generator, or that of a trial, as files that other programs load.

        Args:
            out: A new folder.
            trial: Whose; None for the winner.
            force: Replace an earlier export there.

        Returns:
            The folder; `ganlib.load_generator` reads it.
        """
        from sweep.commands.exporting.choosing import generator_of
        from sweep.commands.exporting.export import export

        board, view = self._board(), view_for(False)
        chosen, notes = generator_of(self._found, board, trial)
        for note in [*notes, *export(self._found, chosen, Path(out), force)]:
            view.say(f"note: {note}")
        return Path(out)

    def report(self, out: str | Path | None = None, full: bool = False) -> str:
        """Write the report; returns where the HTML file is.

        Args:
            out: The file; ``report.html`` in the sweep's folder otherwise.
            full: Embed every picture of every trial in full size.
        """
        from sweep.report.build import write_report

        return write_report([self._found], None if out is None else Path(out), full=full)[0]

    def _board(self) -> "Leaderboard":
        return board_of(self._found)

    def _table(self, dataset: str) -> "pd.DataFrame":
        try:
            import pandas  # noqa: F401 - pyarrow needs it
        except ImportError:
            raise RequestError("tables as data frames need pandas: pip install pandas") from None
        return self._found.store.table(dataset).to_pandas()


def _ended(sweep: Sweep, code: int) -> Sweep:
    """Return a sweep that was driven, unless that failed; an interrupted one has not."""
    if code and sweep.done:
        raise WorkError(
            f"no trial of '{sweep.name}' can win: 'sweep best {called(sweep._found.folder)}' says why"
        )
    return sweep


def _seconds(text: str) -> float:
    try:
        return seconds_of(text)
    except ValueError as error:
        raise RequestError(str(error)) from None
