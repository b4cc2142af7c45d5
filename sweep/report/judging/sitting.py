"""One person before pairs of grids: which pair is shown, what was said of it, how far that has come.

The pictures are those on record at each trial's best; they are made anew from their pixels, so that neither a name nor
anything in a file tells whose they are.
"""

import base64
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image

from ganlib.errors import RequestError
from sweep import formatting
from sweep.records.catalog import Sweep
from sweep.report.pictures import open_picture
from sweep.report.results import RankedTrial, Results
from sweep.results.judging import judgements, pairs
from sweep.results.judging.bradley_terry import Choice, Fit, Match, fit
from sweep.results.judging.eye import Eye, eye_of
from sweep.results.judging.judgements import Judgement, Session, Shown
from sweep.results.state import State

SMALLEST = 512
"""Pixels that a grid is shown wide at least; smaller ones are enlarged without smoothing them."""

NOT_NOW = (
    "the sweep has gone on, and too few of its trials can be compared now: these are the best from before"
)


@dataclass(frozen=True)
class Player:
    """A trial that takes part.

    Attributes:
        shown: Its number, and when it was at its best.
        picture: Its grid then, as a ``data:`` URL.
        size: Width and height of the grid in pixels.
        rows: What each row of the grid shows; empty where all show pictures of latents.
    """

    shown: Shown
    picture: str
    size: tuple[int, int]
    rows: Sequence[str]


@dataclass(frozen=True)
class Asked:
    """A pair that waits for its judgement.

    Attributes:
        number: Counts the pairs that were asked for.
        pair: Two places in the list of players, in the order in which they are shown.
        since: When it was asked for, by the monotonic clock.
    """

    number: int
    pair: pairs.Pair
    since: float


class Sitting:
    """A person's judging of one sweep, from any number of threads.

    Args:
        sweep: Whose trials are judged.
        who: Whose judgements they are.
        count: How many of the best trials take part.
        rng: Draws pairs and their order.

    Attributes:
        notes: What the person should know of the pictures beforehand.

    Raises:
        RequestError: If fewer than two trials can be compared.
        WorkError: If the sweep cannot be read.
    """

    def __init__(
        self,
        sweep: Sweep,
        who: str,
        count: int,
        rng: random.Random | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.sweep, self.who, self._count = sweep, who, count
        self._rng, self._clock, self._lock = rng or random.SystemRandom(), clock, threading.Lock()
        self._session = Session(sweep.folder, who)
        self._before = judgements.read(sweep.folder).get(who, [])
        self._asked: Asked | None = None
        self._number = 0
        self.running = False
        self.look()

    def look(self) -> None:
        """Read the sweep and choose the trials that take part; of one that runs, they change as it goes on.

        Raises:
            RequestError: If fewer than two trials can be compared; those that took part before still do.
            WorkError: If the sweep cannot be read; likewise.
        """
        with self._lock:
            results = Results.read([self.sweep])
            if results.problem:
                raise RequestError(results.problem)
            chosen = [trial for trial in results.ranked if trial.at_best][: self._count]
            found = {trial.entry.trial: _player(trial) for trial in chosen}
            players = [player for player in found.values() if player]
            if len(players) < 2:
                raise RequestError(
                    f"there is nothing to judge: {len(players)} of the best {self._count} trials of "
                    f"'{self.sweep.name}' has its pictures, and a pair takes two"
                )
            lost = [trial for trial, player in found.items() if player is None]
            self.results, self.players, self.running = results, players, results.state is State.RUNNING
            self.notes = notes(chosen, players, lost)
            self._ask(None)

    def look_again(self) -> None:
        """Look at a sweep that goes on; where too few trials can be compared for the moment, those before stay.

        Raises:
            WorkError: If the sweep cannot be read.
        """
        try:
            self.look()
        except RequestError:
            self.notes = [NOT_NOW, *(note for note in self.notes if note != NOT_NOW)]

    def question(self) -> dict[str, Any]:
        """Give the pair that waits, and how far the judging has come, as values for JSON."""
        with self._lock:
            return self._question()

    def answer(self, number: int, choice: Choice) -> bool:
        """Write down a judgement of the pair that waits, and draw the next.

        Returns:
            Whether it was; False where another pair waits by now.

        Raises:
            StorageError: If it cannot be written; the same pair waits on.
        """
        with self._lock:
            asked = self._asked
            if asked is None or asked.number != number:
                return False
            first, second = (self.players[place].shown for place in asked.pair)
            seconds = round(self._clock() - asked.since, 2)
            self._session.add(Judgement(first, second, choice, seconds))
            self._ask(asked.pair)
            return True

    def undo(self) -> bool:
        """Take the newest judgement back and show its pair again; False where there is none.

        Raises:
            StorageError: If that cannot be written; the judgement still counts.
        """
        with self._lock:
            taken = self._session.undo()
            if taken is None:
                return False
            places = {player.shown: place for place, player in enumerate(self.players)}
            if taken.first in places and taken.second in places:
                self._count_up()
                self._show((places[taken.first], places[taken.second]))
            else:  # the sweep has gone on since, and its best are others
                self._ask(None)
            return True

    def eye(self) -> Eye:
        """Compare all that this person has judged of the sweep, now and before, with the metric."""
        return eye_of(self.who, self.results.sweeps[0].board, [*self._before, *self._session.counted])

    @property
    def judged(self) -> int:
        """How many judgements this sitting has."""
        return len(self._session.counted)

    def _matches(self) -> list[Match]:
        places = {player.shown: place for place, player in enumerate(self.players)}
        told = [*self._before, *self._session.counted]
        known = [one for one in told if one.first in places and one.second in places]
        return [(places[one.first], places[one.second], one.choice) for one in known]

    def _ask(self, last: pairs.Pair | None) -> None:
        """Draw the next pair."""
        self._count_up()
        self._show(pairs.draw(self._fit, last, self._rng))

    def _count_up(self) -> None:
        """Fit the scores to all that has been judged."""
        self._matched = self._matches()
        self._fit = fit(len(self.players), self._matched)

    def _show(self, pair: pairs.Pair) -> None:
        self._number += 1
        self._asked = Asked(self._number, pair, self._clock())

    def _question(self) -> dict[str, Any]:
        assert self._asked is not None
        first, second = (self.players[place] for place in self._asked.pair)
        return {
            "number": self._asked.number,
            "first": first.picture,
            "second": second.picture,
            "rows": list(first.rows) if first.rows == second.rows else [],
            "judged": len(self._session.counted),
            "progress": progress(self._fit, self._matched),
        }


def progress(found: Fit, matches: Sequence[Match]) -> str:
    """Say how far the judging has come, without a word on whose pictures are whose."""
    count = formatting.count(len(matches), "judgement")
    if missing := pairs.unseen(found, matches):
        return f"{count}; {missing} more until each of {len(found.scores)} was shown {pairs.OFTEN} times"
    more, wanted = pairs.lacking(found, matches, 1), "the best is told from the next"
    if more == 0 and len(found.scores) > 2:
        more = pairs.lacking(found, matches)
        wanted = f"the first {min(pairs.FIRST, len(found.scores))} are told apart"
    if more == 0:
        return f"{count}; {wanted}: more make the order of the others surer"
    if more >= pairs.MANY:
        return f"{count}; more than {pairs.MANY} more until {wanted}: so far they look much alike to you"
    return f"{count}; about {more} more until {wanted}"


def notes(chosen: Sequence[RankedTrial], players: Sequence[Player], lost: Sequence[int]) -> list[str]:
    """Say what makes the pictures compare less well than they might."""
    told = []
    if lost:
        told.append(f"the pictures of {formatting.trial_numbers(lost)} cannot be read; they do not take part")
    if len({trial.entry.params.get("model.latent_dim") for trial in chosen}) > 1:
        told.append("model.latent_dim differs between trials: equal places show different latents")
    sizes = sorted({player.size for player in players})
    if len(sizes) > 1:
        told.append(f"grids differ in size: {', '.join(f'{width} x {height} px' for width, height in sizes)}")
    if not all(trial.entry.measured for trial in chosen):
        told.append("no trial has a result yet: each is shown at its best so far")
    return told


def _player(trial: RankedTrial) -> Player | None:
    """Read the grid of a trial at its best; None where that cannot be read."""
    sample, kimg = trial.at_best, trial.entry.kimg
    sheet = open_picture(trial.facts, sample.path) if sample else None
    if sample is None or sheet is None or kimg is None:
        return None
    # Whole enlargements keep pixels square; a browser would blur them.
    times = max(1, round(SMALLEST / sheet.width))
    size = sheet.size
    if times > 1:
        sheet = sheet.resize((sheet.width * times, sheet.height * times), Image.Resampling.NEAREST)
    buffer = BytesIO()
    sheet.save(buffer, "PNG")
    url = f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
    return Player(Shown(trial.entry.trial, kimg), url, size, sample.shown)


def chosen_of(told: Mapping[str, Any]) -> tuple[int, Choice]:
    """Read what a browser says was chosen.

    Raises:
        ValueError: If it says something else.
    """
    number, choice = told.get("number"), told.get("choice")
    if type(number) is not int:
        raise ValueError("'number' must be that of the pair")
    return number, Choice(str(choice))
