"""Choose the best generator of a sweep, which ``sweep best --export`` writes.

It is the best result of the winning configuration, from the sweep itself or from its confirmation. Before there is a
confirmation, the configuration of the first trial wins. Afterwards it is the one with the best mean over fresh seeds;
where others cannot be told from it, the best single result among all of these decides. A configuration that lost a
fresh seed does not win, as long as another has lost none; nor does one whose generators all break a wish.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ganlib.errors import RequestError, WorkError
from ganlib.names import METRICS
from sweep import formatting
from sweep.records.catalog import Sweep
from sweep.records.datasets import Store
from sweep.records.retention import ALWAYS
from sweep.records.status import Status
from sweep.results.confirming import confirmation
from sweep.results.confirming.confirmation import Confirmation
from sweep.results.leaderboard import Entry, Leaderboard, had
from sweep.storage import layout
from sweep.storage.called import called
from sweep.storage.folder import Folder

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Choice:
    """One generator that a sweep has kept.

    Attributes:
        folder: The sweep's, or that of its confirmation.
        number: Of the trial, or of the confirmation's run.
        of: The trial of the sweep whose configuration it is.
        value: The metric of its result, or the best so far of a trial without one.
        kimg: Where the generator was.
        measured: Whether ``value`` is that of a result.
        where: Where it is from, in words.
    """

    folder: Folder
    number: int
    of: int
    value: float
    kimg: float
    measured: bool
    where: str

    @property
    def path(self) -> str:
        """Where the generator's weights lie in the folder."""
        return f"{layout.checkpoints(self.number)}/{layout.snapshot_name(self.kimg)}"

    @property
    def kept(self) -> bool:
        """Whether the generator's weights are there."""
        return self.folder.exists(self.path)

    @cached_property
    def row(self) -> Row:
        """Its row of ``trials``."""
        return Store(self.folder).trial(self.number) or {}


def of_trial(sweep: Sweep, entry: Entry) -> Choice | None:
    """Find the generator that a trial of the sweep itself has kept; None where the trial has no number."""
    if entry.value is None or entry.kimg is None:
        return None
    words = f"trial {entry.trial}"
    if not entry.measured:
        words += f" ({entry.status}, without a result: its best so far)"
    return Choice(sweep.folder, entry.trial, entry.trial, entry.value, entry.kimg, entry.measured, words)


def best(sweep: Sweep, board: Leaderboard, found: Confirmation | None) -> list[Choice]:
    """List the generators of the winning configuration, the best first.

    Raises:
        RequestError: if nothing can be ranked.
    """
    if not board.ranked:
        raise RequestError(f"there is nothing to export: {nobody(sweep, board)}")
    params = {entry.trial: confirmation.key_of(entry.params) for entry in board.entries}
    choices = [one for entry in board.ranked if (one := of_trial(sweep, entry))]
    choices += [one for one in _confirmed(sweep, found) if one.of in params]
    if not choices:
        raise RequestError(f"there is nothing to export: no ranked trial of '{sweep.name}' has a generator")
    able = {params[choice.of] for choice in choices}
    winning = {params[trial] for trial in _winning(board, _among(found, able, params))}
    choices = [choice for choice in choices if params[choice.of] in winning]
    return sorted(choices, key=lambda choice: (choice.value, choice.number))


def _confirmed(sweep: Sweep, found: Confirmation | None) -> list[Choice]:
    """List the generators of a confirmation that break no wish."""
    return [
        Choice(
            sweep.folder / layout.CONFIRMATION,
            run.number,
            repeats.trial,
            run.value,
            run.kimg,
            True,
            f"run {run.number} of the confirmation (the configuration of trial {repeats.trial}, seed {run.seed})",
        )
        for repeats in (found.repeats if found else ())
        for run in (*repeats.runs, *repeats.uncounted)
        if not run.broken
    ]


def _among(
    found: Confirmation | None, able: Collection[str], params: Mapping[int, str]
) -> Confirmation | None:
    """Take the configurations from a confirmation that have no generator to offer: each breaks a wish."""
    if found is None:
        return None
    return replace(found, repeats=[one for one in found.repeats if params.get(one.trial) in able])


def winner(sweep: Sweep, board: Leaderboard, found: Confirmation | None) -> int | None:
    """Name the trial whose configuration wins; None where nobody does, or it was confirmed by another metric."""
    if not board.ranked or (found is not None and found.metric != board.metric):
        return None
    first = board.ranked[0]
    if found is None:
        return first.trial
    won = best(sweep, board, found)[0].of
    params = {entry.trial: entry.params for entry in board.entries}
    same = confirmation.key_of(params[won]) == confirmation.key_of(first.params)
    return first.trial if same else won


def told_winner(board: Leaderboard, found: Confirmation | None, won: int | None) -> str:
    """Say which configuration wins where that is not the first trial's, or not what fresh seeds alone say; else empty.

    They say nothing of a trial that was not confirmed, nor of wishes.

    Args:
        board: The trials.
        found: The confirmation.
        won: The `winner`.
    """
    if won is None or found is None:
        return ""
    first, own = board.ranked[0].trial, found.of(won)
    if won == first and (not found.able or (own is not None and own.trial in found.undecided)):
        return ""
    instead = "" if won == first else f", not that of trial {first}"
    return f"the configuration of trial {won} wins{instead} ('sweep best --export' takes it)"


def gone(sweep: Sweep, board: Leaderboard, choice: Choice) -> RequestError | WorkError:
    """Make the error for a generator that is not there any more, by whether the sweep itself has deleted it."""
    what = f"the generator of {choice.where} of '{sweep.name}' is not there any more"
    keep = replace(sweep, folder=choice.folder).spec().get("keep") or {}
    status = Status(choice.row["status"])
    rule = keep.get("finished" if status.to_the_end else "stopped")
    always = choice.folder == sweep.folder and choice.number in [one.trial for one in board.ranked[:ALWAYS]]
    if status.ended and rule == "none" and not always:
        return RequestError(f"{what}: 'keep' in the spec says what stays")
    return WorkError(
        f"{what}, though the sweep keeps it: something else has deleted it. 'sweep check {called(sweep.folder)}' says "
        "what else is missing"
    )


def nobody(sweep: Sweep, board: Leaderboard) -> str:
    """Say why no trial of a sweep is ranked."""
    return board.nearest or f"no trial of '{sweep.name}' can be ranked yet"


def unmeasured(sweep: Sweep, board: Leaderboard, than: float) -> list[Choice]:
    """List generators of trials that have not ended and look better than a value; they have yet to be measured.

    Where wishes are made there are none: a trial without a result has not been shown to fulfil them.
    """
    if board.provisional or board.wishes:
        return []
    looks = [entry for entry in board.left_out if not entry.status.out_of_play and not entry.measured]
    choices = [choice for entry in looks if (choice := of_trial(sweep, entry)) and choice.value < than]
    return sorted(choices, key=lambda choice: choice.value)


def better_elsewhere(board: Leaderboard, chosen: Choice) -> str | None:
    """Write a sentence where another configuration has a clearly better result than the one that was chosen."""
    for entry in board.ranked:
        _, error = entry.measure(board.metric)
        margin = 3 * (error or 0.0) if METRICS[board.metric].error else 0.05 * chosen.value
        if entry.measured and entry.value is not None and entry.value < chosen.value - margin:
            return (
                f"trial {entry.trial} has a better result of one seed ({had(entry, board.metric)}); "
                f"--trial {entry.trial} exports that one"
            )
    return None


def words(choice: Choice, board: Leaderboard) -> str:
    """Describe a choice of a leaderboard's sweep for people."""
    extractor = board.identity.extractor if board.identity else ""
    value = f"{METRICS[board.metric].name(extractor)} {formatting.number(choice.value)}"
    return f"{choice.where}: {value}, of the generator at {formatting.kimg(choice.kimg)} kimg"


def _winning(board: Leaderboard, found: Confirmation | None) -> Sequence[int]:
    """List the trials whose configurations may have won."""
    first = board.ranked[0].trial
    own = found.of(first) if found else None
    if found is None or own is None or not (own.values or own.lost):  # nothing is known of its fresh seeds
        return [first]
    if found.able:
        return found.undecided
    tried = ((entry.trial, found.of(entry.trial)) for entry in board.ranked)
    return [next((trial for trial, repeats in tried if repeats is None or not repeats.lost), first)]
