"""Say in a model card what pictures a generator learned from, through its ancestors too, and under which licences."""

import re

from ganlib.config import AVATARS, PictureSource, TrialConfig
from ganlib.data.buckets.bucket import is_bucket
from sweep.records.catalog import Sweep

LICENCES = {"CC0": "cc0-1.0", "CC BY 4.0": "cc-by-4.0", "MIT": "mit"}
"""What stands in an attribution, and Hugging Face's name for it."""


def licence(sweep: Sweep, trial: TrialConfig) -> str:
    """Name the licence of the pictures by Hugging Face's name, where it is known and one for all."""
    sections = [trial.data, *([trial.photos] if trial.photos else [])]
    sources = [one for section in sections for one in section.sources]
    found = {
        next((name for words, name in LICENCES.items() if words in line), "unknown")
        for line in sweep.info.attribution.splitlines()
    }
    for one in trial.ancestor.line() if trial.ancestor else ():
        found |= {
            next((name for words, name in LICENCES.items() if words in line), "unknown")
            for line in one.attribution.splitlines() or [""]
        }
    return found.pop() if len(found) == 1 and set(sources) == {AVATARS} else "unknown"


def told_of(sweep: Sweep, trial: TrialConfig) -> str:
    """Say which pictures these were, how many, and whose."""
    info = sweep.info
    credit = re.sub(r"\s+", " ", info.attribution).strip()
    known = credit or "The licence of the pictures is not on record: ask whoever they belong to."
    of = f"{info.images:,} pictures of {source_of(trial.data)}{_how(trial.data)}"
    if trial.photos is not None:
        of = f"Drawings: {of}. Photographs: {info.photos:,} pictures of {source_of(trial.photos)}{_how(trial.photos)}"
    return f"{of} (SHA-256 {info.data_hash}). {known}"


def ancestors(trial: TrialConfig) -> list[str]:
    """Tell what the weights were before, back to fresh ones, and what pictures they learned from."""
    if trial.ancestor is None:
        return []
    lines = []
    for one in trial.ancestor.line():
        whose = f"{one.where or 'a trial'} of the sweep {one.sweep}" if one.sweep else "a file of weights"
        after = f", after {one.kimg:g} thousand real pictures" if one.kimg is not None else ""
        both = "generator and discriminator" if one.discriminator else "generator"
        of = f" Its pictures have SHA-256 {one.data_hash}." if one.data_hash else ""
        credit = (
            re.sub(r"\s+", " ", one.attribution).strip() or "The licence of its pictures is not on record."
        )
        lines.append(f"- {whose}{after} ({both}; weights' SHA-256 {one.weights}).{of} {credit}")
    return [
        "The weights did not begin fresh, so that they also go back to the pictures of their ancestors, whose licences "
        "count as well. The nearest first:",
        "\n".join(lines),
    ]


def _how(pictures: PictureSource) -> str:
    return f", prepared {pictures.prepared}" if pictures.prepared else ""


def source_of(pictures: PictureSource) -> str:
    """Name the pictures, without the folders and buckets of somebody."""
    sources, styles = pictures.sources, pictures.styles
    buckets = sum(source != AVATARS and is_bucket(source, "data.source") for source in sources)
    told = []
    if AVATARS in sources:
        told.append(f"DiceBear avatars, {'style' if len(styles) == 1 else 'styles'} {', '.join(styles)}")
    for kind, count in (("folder", len(sources) - buckets - sources.count(AVATARS)), ("bucket", buckets)):
        told += [f"a {kind} of pictures" if count == 1 else f"{count} {kind}s of pictures"] * bool(count)
    return " and ".join(told)
