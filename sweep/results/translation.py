"""Warn of flaws in a translator's drawings that its FID and KID do not name."""

from collections.abc import Mapping
from typing import Any

from sweep.formatting import number
from sweep.records.schemas import TRANSLATION
from sweep.records.snapshots import finite

TINT = 5.0
"""Distance of the mean colour from that of drawings, in CIE76 units, that people see: twice what is just noticeable."""
CHROMA = 0.7
"""Share of the drawings' chroma below which pictures look grey beside them."""
CHEQUER = 1.5
"""Energy at the Nyquist frequency, as a multiple of the drawings', that other drawings do not reach."""


def translation_of(row: Mapping[str, Any]) -> dict[str, float]:
    """Give what was measured of a translator alone, by column; nothing of other families.

    Args:
        row: A row of ``metrics`` or ``results``.
    """
    values = {name: finite(row.get(name)) for name in TRANSLATION}
    return {name: value for name, value in values.items() if value is not None}


def warnings_of(row: Mapping[str, Any]) -> list[str]:
    """Say with figures what is wrong with a translator's drawings: a tint, lost colour, a chequerboard.

    Args:
        row: A row of ``metrics`` or ``results``; what is missing, None or not finite is not warned of.

    Returns:
        One sentence a flaw, without a full stop; none for families that do not translate. See
        `ganlib.metrics.TranslationScore` for what is measured, and docs/metrics.md for the limits.
    """
    tint, chroma, chequer = (finite(row.get(name)) for name in ("tint", "chroma", "chequer"))
    found = []
    if tint is not None and tint > TINT:
        found.append(
            f"tint: the mean colour is {number(tint, 3)} from that of the drawings in Lab (CIE76), above {TINT:g}"
        )
    if chroma is not None and chroma < CHROMA:
        found.append(f"grey: {chroma:.0%} of the drawings' chroma, below {CHROMA:.0%}")
    if chequer is not None and chequer > CHEQUER:
        found.append(
            f"chequerboard: {number(chequer, 3)} times the drawings' energy at the Nyquist frequency, above {CHEQUER:g}"
        )
    return found
