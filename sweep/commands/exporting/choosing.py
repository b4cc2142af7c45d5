"""Choose the generator to export: the best there is, or that of a trial."""

from dataclasses import replace

from ganlib.errors import RequestError
from sweep.commands.exporting.measuring import result_of
from sweep.records.catalog import Sweep
from sweep.results import choice
from sweep.results.choice import Choice
from sweep.results.confirming.confirmation import read_confirmation
from sweep.results.leaderboard import Leaderboard


def generator_of(sweep: Sweep, board: Leaderboard, trial: int | None) -> tuple[Choice, list[str]]:
    """Choose the generator of a trial, or with None the best: see `of_number` and `best_of`."""
    return best_of(sweep, board) if trial is None else of_number(sweep, board, trial)


def best_of(sweep: Sweep, board: Leaderboard) -> tuple[Choice, list[str]]:
    """Choose the generator to export: the best result of the winning configuration, as `sweep.results.choice` has it.

    What trials hold that have not ended is measured now, where it looks better than all results.

    Returns:
        It, and what a reader should know about the choice.

    Raises:
        RequestError: if there is none, or the spec keeps none.
        WorkError: if it was to be kept and is gone.
    """
    notes = []
    choices = choice.best(sweep, board, read_confirmation(sweep))
    kept = [one for one in choices if one.kept]
    if not kept:
        raise choice.gone(sweep, board, choices[0])
    if kept[0] is not choices[0]:
        notes.append(f"the generator of {choice.words(choices[0], board)} is not kept any more")
    winner = kept[0]
    if board.wishes and not winner.measured:
        notes.append("whether it fulfils the wishes of the sweep is only known when it has a result")
    for other in choice.unmeasured(sweep, board, winner.value):
        row = result_of(sweep, other)[0] if other.kept else None
        value = row[board.metric] if row else None
        if row is None or value is None:
            notes.append(f"{other.where} looks better, and cannot be measured here")
        elif value < winner.value:
            winner = replace(other, value=value)
    if elsewhere := choice.better_elsewhere(board, winner):
        notes.append(elsewhere)
    return winner, notes


def of_number(sweep: Sweep, board: Leaderboard, number: int) -> tuple[Choice, list[str]]:
    """Choose the generator of one trial, whatever its rank.

    Raises:
        RequestError: if there is no such trial, or it has none.
    """
    entry = next((entry for entry in board.entries if entry.trial == number), None)
    if entry is None:
        numbers = [entry.trial for entry in board.entries]
        there = f"its trials are {min(numbers)} to {max(numbers)}" if numbers else "none has begun"
        raise RequestError(f"'{sweep.name}' has no trial {number}; {there}")
    chosen = choice.of_trial(sweep, entry)
    if chosen is None:
        raise RequestError(f"trial {number} has no generator to export: {entry.reason or 'it has no number'}")
    return chosen, [f"trial {number}: {entry.reason}"] if entry.reason else []
