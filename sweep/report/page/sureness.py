"""How sure the winner is: what fresh seeds gave of its configuration, and which one wins."""

from dataclasses import dataclass

from sweep import formatting
from sweep.report.results import Results
from sweep.results import choice
from sweep.results.confirming.confirmation import label, told_apart


@dataclass(frozen=True)
class Sureness:
    """How sure the winner is: a short label, and sentences on what fresh seeds gave, empty before they did."""

    label: str
    words: str


def sureness(results: Results) -> Sureness:
    """Say what `sweep confirm` found of the winner; ``one seed`` before anybody has asked."""
    winner = results.winner
    confirmed = winner.facts.confirmed if winner else None
    repeats = confirmed.of(winner.entry.trial) if confirmed and winner else None
    aside = formatting.sentence(confirmed.told_uncounted) if confirmed and confirmed.told_uncounted else ""
    if winner is None or confirmed is None or repeats is None or not (repeats.values or repeats.lost):
        return Sureness("one seed", aside)
    lost = formatting.count(sum(repeats.lost.values()), "fresh seed")
    again = formatting.count(len(repeats.values), "fresh seed") if repeats.values else f"{lost} lost"
    words = [f"Trained again: {label(confirmed, repeats.trial, beside=results.metric)}."]
    words.append(formatting.sentence(told_apart(confirmed)))
    board = winner.facts.board
    if wins := choice.told_winner(board, confirmed, choice.winner(winner.facts.sweep, board, confirmed)):
        words.append(formatting.sentence(wins))
    return Sureness(again, " ".join([*words, aside]).rstrip())
