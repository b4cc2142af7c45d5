"""Serve the page of `sweep judge` on this machine's own address; see `sweep.local_server`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from importlib import resources

from markupsafe import Markup

from ganlib.errors import WorkError
from sweep.local_server import HTML, JSON, Answer, Asked, LocalServer, refusal
from sweep.records.schemas import to_json
from sweep.report.judging.sitting import Sitting, chosen_of
from sweep.report.page.document import ASSETS, policy, templates
from sweep.report.page.scripts import link

FOLDER = "judge"
"""Of the page's own assets."""
LARGEST_BODY = 4096
"""Bytes of a judgement at most."""


@dataclass(frozen=True)
class JudgePage:
    """All that the template of the page shows.

    Attributes:
        title: The name of the sweep.
        who: Whose judgements they are.
        trials: How many trials take part.
        notes: What makes the pictures compare less well than they might.
        running: Whether the sweep goes on.
        translates: Whether the trials turn photographs into drawings.
        policy: The content security policy.
        css: The style sheets.
        script: The script.
    """

    title: str
    who: str
    trials: int
    notes: Sequence[str]
    running: bool
    translates: bool
    policy: str
    css: Markup
    script: Markup


class JudgeServer(LocalServer):
    """Serves the page and takes in judgements until it is closed.

    Args:
        sitting: What is judged, and by whom.
        port: 0 for any that is free.

    Raises:
        RequestError: If the port cannot be used.
    """

    def __init__(self, sitting: Sitting, port: int = 0) -> None:
        super().__init__(port, LARGEST_BODY)
        self.sitting = sitting

    def answer(self, asked: Asked) -> Answer:
        """Give out the page or the next pair, or take in a judgement."""
        try:
            if asked.kind:
                return self._take(asked)
            if asked.name == "":
                if self.sitting.running:
                    self.sitting.look_again()
                return Answer(page(self.sitting).encode(), HTML)
            if asked.name == "question":
                return self._question()
        except WorkError as error:
            return refusal(str(error), HTTPStatus.INTERNAL_SERVER_ERROR)
        return refusal("There is nothing here but the page.", HTTPStatus.NOT_FOUND)

    def _take(self, asked: Asked) -> Answer:
        if asked.kind != JSON:  # which no form of another page can send
            return refusal("Only JSON is taken.", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        try:
            if asked.name == "undo":
                self.sitting.undo()
            elif asked.name == "judgement":
                told = json.loads(asked.body)
                # A judgement of a pair that no longer waits, from another window, is none: that one is shown the next.
                self.sitting.answer(*chosen_of(told if isinstance(told, dict) else {}))
            else:
                return refusal("There is nothing of that name.", HTTPStatus.NOT_FOUND)
        except ValueError as error:
            return refusal(f"That is no judgement: {error}", HTTPStatus.BAD_REQUEST)
        return self._question()

    def _question(self) -> Answer:
        return Answer(to_json(self.sitting.question()).encode(), JSON)


def page(sitting: Sitting) -> str:
    """Write the page as one HTML document."""
    script = link("judge", lambda name: _asset(FOLDER, f"{name}.js"))
    shown = JudgePage(
        title=sitting.sweep.name,
        who=sitting.who,
        trials=len(sitting.players),
        notes=sitting.notes,
        running=sitting.running,
        translates=sitting.results.translates,
        policy=policy([script], live=True),
        css=Markup(_asset("page.css") + _asset(FOLDER, "judge.css")),
        script=Markup(script),
    )
    return templates().get_template(f"{FOLDER}/judge.html.j2").render(page=shown)


def _asset(*path: str) -> str:
    return resources.files("sweep.report").joinpath(ASSETS, *path).read_text(encoding="utf-8")
