"""What `sweep run` was asked to run: a spec, a shipped one by its name, or a folder of pictures."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from ganlib.errors import RequestError
from sweep import shipped
from sweep.mistaken import holds_specs
from sweep.spec.hints import NAME_RULE, as_name, is_name
from sweep.spec.problems import show
from sweep.spec.specification import Spec, load, parse
from sweep.storage.layout import CHOSEN, INFO, SPEC
from sweep.storage.opening import open_folder

QUARTER_OF_AN_HOUR = 900.0
"""Seconds for a folder of pictures where no time is given."""


@dataclass(frozen=True)
class Asked:
    """What was asked for on the command line.

    Attributes:
        what: A spec's file or name, or a folder of pictures.
        name: Of the sweep; None for that of the spec or folder.
        overrides: ``PATH=VALUE``, put over the spec.
        storage: The folder or URL of all sweeps.
        seconds: How long it may take on this machine; None where nothing was said.
        local: Whether trials run one after another.
        began: When the command began, by `time.monotonic`.
        text: The spec itself, where ``what`` names none.

    Raises:
        RequestError: if no sweep can have the name.
    """

    what: str
    name: str | None
    overrides: Sequence[str]
    storage: str
    seconds: float | None
    local: bool
    began: float
    text: str = ""

    def __post_init__(self) -> None:
        if self.name is not None and not is_name(self.name):
            raise RequestError(f"--name: {NAME_RULE}; got {show(self.name)}{as_name(self.name)}")

    @cached_property
    def is_pictures(self) -> bool:
        """Whether it is a folder that may have pictures: no sweep's, nor one of specs."""
        path = Path(os.path.expanduser(self.what))
        if self.text or not os.path.isdir(path) or shipped.find(self.what) is not None:
            return False
        return not (path / INFO).is_file() and not holds_specs(path)

    def spec(self) -> Spec:
        """Read the spec, where it is none that has to be chosen.

        Raises:
            SpecError, RequestError: if it is wrong, or not there.
        """
        return parse(self.text, self.what, self.named) if self.text else load(self.what, self.named)

    def sweep_name(self, again: bool) -> str:
        """Give the name that the sweep has, or will have.

        Args:
            again: Whether one that is there is gone on with; otherwise a name is found for pictures that none has.

        Raises:
            SpecError, RequestError: if the spec is wrong, or not there.
        """
        if not self.is_pictures:
            return self.spec().name
        from sweep.commands.folder.chosen import free_name, name_for

        if self.own_name is not None:
            return self.own_name
        name, sweeps = name_for(Path(self.what)), open_folder(self.storage)
        return name if again else free_name(name, lambda one: sweeps.exists(f"{one}/{INFO}"))

    @property
    def own_name(self) -> str | None:
        """Give the name that was asked for, as an option or a value of the spec; None where none was."""
        said = self.said("name")
        return said.name if said is not None else None

    def said(self, path: str) -> Spec | None:
        """Read one value that is put over the spec, into a spec that has nothing else; None where nothing is.

        Raises:
            SpecError: if it is wrong.
        """
        own = [one for one in self.named if one.partition("=")[0].strip() == path]
        return parse("train: {epochs: 1}", CHOSEN, own) if own else None

    @property
    def named(self) -> tuple[str, ...]:
        """Give what is put over the spec, the name last."""
        return (*self.overrides, f"name={self.name}") if self.name is not None else tuple(self.overrides)


@dataclass(frozen=True)
class Chosen:
    """What is run.

    Attributes:
        spec: The spec, with all that was put over it.
        text: The one that was chosen for pictures, YAML with a comment at each choice; empty for other specs.
    """

    spec: Spec
    text: str = ""


def choose(asked: Asked, measured: bool, again: bool, say: Callable[[str], None]) -> Chosen:
    """Read or choose the spec, and fit it into the time that was given.

    Args:
        asked: What was asked for.
        measured: Whether this machine may be measured, to fit a time.
        again: Whether a sweep of that name is gone on with, if there is one.
        say: Told what is done.

    Raises:
        SpecError, RequestError: if something is wrong, or not there.
        WorkError: if a few steps cannot be timed.
    """
    if not asked.text and (note := shipped.note(asked.what)):
        say(note)
    name = asked.sweep_name(again)
    begun = open_folder(asked.storage) / name
    if again and (asked.is_pictures or asked.seconds is not None) and begun.exists(INFO):
        # What was chosen and fitted then might come to something else now.
        return Chosen(parse(begun.read(SPEC).decode(), f"{begun}/{SPEC}"))
    if asked.is_pictures:
        from sweep.commands.folder.pictures import spec_of

        seconds = (asked.seconds or QUARTER_OF_AN_HOUR) if measured else None
        return Chosen(*spec_of(replace(asked, name=name, seconds=seconds), say))
    spec = asked.spec()
    if asked.seconds is not None and measured:
        from sweep.commands.planning.fitting import fitted

        spec = fitted(spec, asked.seconds, asked.local, say, asked.began).spec
    return Chosen(spec)
