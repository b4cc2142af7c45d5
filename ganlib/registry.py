"""Choices by name: families, losses and extractors are looked up here, never by import path from a file.

An entry is written as ``"module:attribute"`` and imported when it is first asked for, so that checking a name
(which the spec does before anything heavy is loaded) costs nothing.
"""

import difflib
import unicodedata
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from ganlib.errors import RequestError


def did_you_mean(word: str, choices: Iterator[str] | list[str]) -> str:
    """A hint such as ``", did you mean 'dcgan'?"``, or an empty string when nothing is near.

    Capitals do not count, nor whether words are joined by ``-``, ``_`` or a blank.
    """
    plain = {_plain(choice): choice for choice in choices}
    near = difflib.get_close_matches(_plain(word), list(plain), n=1, cutoff=0.6)
    return f", did you mean '{plain[near[0]]}'?" if near else ""


def _plain(word: str) -> str:
    return unicodedata.normalize("NFKC", word).strip().lower().replace("-", "_").replace(" ", "_")


class UnknownNameError(RequestError):
    """A name that is not in the registry; the text lists the choices."""


class Registry(Mapping[str, Any]):
    """A read-only mapping from name to a lazily imported object.

    Args:
        kind: What the entries are, for error texts ("model family").
        entries: Name to ``"module:attribute"``.
    """

    def __init__(self, kind: str, entries: Mapping[str, str]) -> None:
        self.kind = kind
        self._entries = dict(entries)

    def check(self, name: str) -> str:
        """Return ``name`` if it is registered.

        Raises:
            UnknownNameError: listing the choices and the nearest one.
        """
        if name not in self._entries:
            choices = ", ".join(self._entries)
            hint = did_you_mean(name, list(self._entries))
            raise UnknownNameError(f"unknown {self.kind} '{name}'{hint} (choices: {choices})")
        return name

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - what it holds differs by registry
        module, attribute = self._entries[self.check(name)].split(":")
        return getattr(import_module(module), attribute)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
