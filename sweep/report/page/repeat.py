"""The section on how to repeat a sweep: commands, and what each sweep was made of."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sweep import formatting
from sweep.report.facts import Facts
from sweep.report.results import Results
from sweep.storage import layout
from sweep.storage.opening import open_folder


@dataclass(frozen=True)
class Source:
    """What a sweep was made of.

    Attributes:
        heading: The sweep's name; empty where it is the only one.
        data_hash: The digest of its pictures.
        seed: The seed of the search.
        versions: The versions of packages; empty if they are not on record.
        folder: Where everything about the sweep lies.
        spec: The text of ``spec.yaml``; empty if there is none.
    """

    heading: str
    data_hash: str
    seed: str
    versions: str
    folder: str
    spec: str


@dataclass(frozen=True)
class RepeatSection:
    """How to repeat the sweeps.

    Attributes:
        commands: Purpose and command.
        short: The same on paper, where there is no room for paths: sweeps are named alone.
        sources: What each sweep was made of.
    """

    commands: Sequence[tuple[str, str]]
    short: Sequence[tuple[str, str]]
    sources: Sequence[Source]

    @classmethod
    def of(cls, results: Results) -> "RepeatSection":
        """Say how to repeat the sweeps of a report."""
        sources = [_source(facts, results.several) for facts in results.sweeps]
        return cls(_commands(results, _found), _commands(results, lambda facts: facts.sweep.name), sources)


def _commands(results: Results, called: Callable[[Facts], str]) -> list[tuple[str, str]]:
    """Write the commands that go on from here, with what each sweep is called in them."""
    names = [_quoted(called(facts)) for facts in results.sweeps]
    first = _quoted(called(results.winner.facts)) if results.winner else names[0]
    return [
        ("Run it again, under another name", "sweep run spec.yaml --name NEW_NAME"),
        ("Rank its trials", f"sweep best {first}"),
        ("Train its best again with fresh seeds", f"sweep confirm {first}"),
        ("Export the winner", f"sweep best {first} --export DIR"),
        ("Write this report", f"sweep report {' '.join(names)}"),
    ]


def _found(facts: Facts) -> str:
    """Give what a command finds a sweep by: its name where commands look by default, or else its folder."""
    folder, name = facts.sweep.folder, facts.sweep.name
    return name if folder == open_folder(layout.RUNS) / name else folder.url


def _quoted(name: str) -> str:
    """Quote what names a sweep for a shell."""
    return shlex.quote(formatting.printable(name))


def _source(facts: Facts, several: bool) -> Source:
    """Say what a sweep was made of."""
    info, search = facts.sweep.info, facts.spec.get("search")
    seed = search.get("seed", "unknown") if isinstance(search, Mapping) else "unknown"
    return Source(
        heading=facts.sweep.name if several else "",
        data_hash=(info.data_hash or "unknown"),
        seed=str(seed),
        versions=", ".join(f"{package} {version}" for package, version in info.versions.items()),
        folder=str(facts.sweep.folder),
        spec=facts.sweep.spec_text() or "",
    )
