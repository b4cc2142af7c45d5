"""Look up choices by name: families, losses, optimizers and extractors, never an import path from a file.

An entry says what is known of a choice before it is used, and names the object that does the work as
``"module:attribute"``. That object is imported when it is first asked for, so that checking a name and reading
properties (which a spec does before anything heavy is loaded) costs nothing.
"""

import difflib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any, Generic, TypeVar

from ganlib.errors import RequestError


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Make a hint such as ``", did you mean 'dcgan'?"``, or an empty string when nothing is near.

    Capitals do not count, nor whether words are joined by ``-``, ``_`` or a blank.

    Example:
        >>> did_you_mean("DC-GAN", ["dcgan", "stylegan"])
        ", did you mean 'dcgan'?"
    """
    plain = {_plain(choice): choice for choice in choices}
    near = difflib.get_close_matches(_plain(word), list(plain), n=3, cutoff=0.6)
    if not near:
        return ""
    # Of those that are equally near, the one with more letters in the same places: one letter was mistaken.
    nearest = max(near, key=partial(_nearness, _plain(word)))
    return f", did you mean '{plain[nearest]}'?"


def _nearness(word: str, choice: str) -> tuple[float, int]:
    ratio = difflib.SequenceMatcher(None, choice, word).ratio()
    return ratio, sum(map(str.__eq__, word, choice))


def _plain(word: str) -> str:
    return unicodedata.normalize("NFKC", word).strip().lower().replace("-", "_").replace(" ", "_")


def imported(home: str) -> Any:  # noqa: ANN401 - what it holds differs by registry
    """Import the object that ``"module:attribute"`` names."""
    module, attribute = home.split(":")
    return getattr(import_module(module), attribute)


def lazily(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Make the ``__getattr__`` of a package whose names are imported when they are first asked for (PEP 562).

    Args:
        package: The package's name.
        homes: Of each name that can be asked for, the module below the package that has it.
    """

    def of(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return imported(f"{package}.{homes[name]}:{name}")

    return of


@dataclass(frozen=True)
class Entry:
    """One choice. Registries whose choices have properties subclass this.

    Attributes:
        home: The object that does the work, as ``"module:attribute"``.
    """

    home: str

    def load(self) -> Any:  # noqa: ANN401 - what it holds differs by registry
        """Import the object that does the work."""
        return imported(self.home)


class UnknownNameError(RequestError):
    """A name that is none of the choices; the text lists them."""


def check_name(kind: str, name: str, choices: Iterable[str]) -> str:
    """Return ``name`` if it is one of the choices.

    Raises:
        UnknownNameError: listing the choices and the nearest one; ``kind`` says what they are.
    """
    known = list(choices)
    if name not in known:
        hint = did_you_mean(name, known)
        raise UnknownNameError(f"unknown {kind} '{name}'{hint} (choices: {', '.join(known)})")
    return name


E = TypeVar("E", bound=Entry)


class Registry(Mapping[str, E], Generic[E]):
    """A read-only mapping from a name to its entry.

    Args:
        kind: What the entries are, for error texts ("model family").
        entries: The entries by name, in the order in which error texts list them.
    """

    def __init__(self, kind: str, entries: Mapping[str, E]) -> None:
        self.kind = kind
        self._entries = dict(entries)

    def check(self, name: str) -> str:
        """Return ``name`` if it is registered.

        Raises:
            UnknownNameError: listing the choices and the nearest one.
        """
        return check_name(self.kind, name, self._entries)

    def __getitem__(self, name: str) -> E:
        return self._entries[self.check(name)]

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
