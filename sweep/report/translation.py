"""The names of what is measured of translators alone, for tables and curves."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sweep.results.translation import translation_of


@dataclass(frozen=True)
class Measure:
    """A number of a translator.

    Attributes:
        title: Its heading in the table of trials; empty where the table does not show it.
        about: What it says, in full.
        curve: Its title over curves; empty where there are none of it.
    """

    title: str
    about: str
    curve: str = ""


TRANSLATED: Mapping[str, Measure] = {
    "change": Measure(
        "Change",
        "How far drawings are from their photographs, pixel by pixel: 0 unchanged, about 1 as far as a drawing that "
        "has nothing to do with the photograph",
        "Change of the photographs (0: none)",
    ),
    "content": Measure(
        "Content",
        "Distance of drawings from their photographs in the extractor's features: 0 unchanged, about 1 as far as a "
        "drawing that has nothing to do with the photograph",
        "Distance in content (0: none)",
    ),
    "cycle_l1": Measure(
        "Cycle error",
        "Mean difference of photographs from what comes back of them through a drawing, pixels from 0 to 1: 0 if they "
        "come back unchanged",
        "Cycle error (0: photographs come back)",
    ),
    "cycle_ssim": Measure(
        "Cycle SSIM",
        "Structural similarity of photographs and what comes back of them through a drawing: 1 if they come back "
        "unchanged",
        "Cycle SSIM (1: photographs come back)",
    ),
    "kid_back": Measure(
        "KID back",
        "KID of the photographs made of drawings against real photographs, smaller is better",
        "KID back, of photographs made of drawings",
    ),
    "luminance": Measure(
        "Luminance",
        "Correlation of light and dark in drawings and their photographs: 1 kept, 0 unrelated, -1 inverted",
        "Correlation of luminance (-1: inverted)",
    ),
    "tint": Measure(
        "Tint",
        "Distance of the mean colour from that of real drawings, in Lab (CIE76): 2.3 is just noticeable",
    ),
    "chroma": Measure("Chroma", "Chroma as a multiple of that of real drawings: below 1 greyer, 0 grey"),
    "chequer": Measure(
        "Chequer",
        "Energy at the Nyquist frequency as a multiple of that of real drawings: above 1 there may be a chequerboard",
    ),
    "loss_cycle": Measure("", "The generators' loss on the cycle, without its weight", "Cycle loss"),
    "loss_identity": Measure("", "The generators' loss on the identity, without its weight", "Identity loss"),
    "loss_content": Measure("", "The generator's loss on content, without its weight", "Content loss"),
    "loss_style": Measure("", "The generator's loss on style, without its weight", "Style loss"),
}
"""By column of ``metrics`` and, but for losses, of ``results``; in the order in which they are shown."""


def measured(row: Mapping[str, Any]) -> Iterator[tuple[Measure, float]]:
    """List what a table shows of a translator's row of ``metrics`` or ``results``, each with its value."""
    values = translation_of(row)
    for name, measure in TRANSLATED.items():
        if measure.title and name in values:
            yield measure, values[name]
