"""What can be wished of a trial: the measures of its result, each under its name on record."""

from dataclasses import dataclass
from typing import Literal

Needs = Literal["", "neighbours", "translator", "way back"]
"""What a measure needs of a sweep: more pictures than neighbours, photographs to translate, or a way back learned."""
NEIGHBOURS = 5
"""Neighbours by which precision, recall, density and coverage judge: they need more pictures than that."""


@dataclass(frozen=True)
class Measure:
    """A column of the dataset ``results`` that can be wished for.

    Attributes:
        about: What it measures, in a few words.
        needs: What it cannot do without.
        in_full: Whether only measurements in full have it, which stopped trials do not get unasked.
        foreknown: Whether it follows from the configuration, before anything is trained.
    """

    about: str
    needs: Needs = ""
    in_full: bool = False
    foreknown: bool = False


MEASURES: dict[str, Measure] = {
    "kid": Measure("KID"),
    "fid": Measure("FID"),
    "mmd": Measure("distance with a Gaussian kernel"),
    "mind": Measure("sliced Wasserstein distance"),
    "fid_infinity": Measure("FID of infinitely many pictures", in_full=True),
    "vendi": Measure("variety of the pictures, from 1 on"),
    "precision": Measure("share of pictures that could be real", "neighbours", in_full=True),
    "recall": Measure("share of real pictures that could be generated", "neighbours", in_full=True),
    "density": Measure("how many real pictures are near", "neighbours", in_full=True),
    "coverage": Measure("share of real pictures with one near", "neighbours", in_full=True),
    "params": Measure("numbers that the exported generator has learnt", foreknown=True),
    "seconds_per_kimg": Measure("seconds of training per thousand pictures shown"),
    "change": Measure("how far drawings are from the photographs", "translator"),
    "content": Measure("distance of features from the photographs'", "translator"),
    "luminance": Measure("correlation with the photographs' luminance", "translator"),
    "tint": Measure("distance of the mean colour", "translator"),
    "chroma": Measure("colour, as a share of the drawings'", "translator"),
    "chequer": Measure("chequerboards, as a multiple of the drawings'", "translator"),
    "cycle_l1": Measure("difference after there and back", "way back"),
    "cycle_ssim": Measure("similarity after there and back", "way back"),
    "fid_back": Measure("FID of the way back", "way back", in_full=True),
    "kid_back": Measure("KID of the way back", "way back", in_full=True),
}
"""By name."""
