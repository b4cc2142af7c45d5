"""Make pictures by their addresses: a seed and a number, as ``sweep generate --seed`` counts them.

An address gives one picture wherever it is asked for, so that a page can name what it shows, and the command line
can make it again. Passes are of blocks of pictures (`ganlib.models.latents.BLOCK`), the same ones as for a list from
the first picture on: to the last bit the pictures are those of `ganlib.export.generator.LoadedGenerator.sample`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Literal, cast

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ganlib.data.alpha import to_uint8
from ganlib.errors import RequestError
from ganlib.export.generator import LoadedGenerator
from ganlib.export.moving import gif
from ganlib.export.walks import sheet_of, walk
from ganlib.flags import tf32
from ganlib.models.latents import BLOCK, classes_in_proportion, in_blocks
from ganlib.models.styles.generator import Layers, StyleGenerator, style_layers

MOST = 1_000
"""Pictures of one seed that have an address."""
STOPS = 16
"""Pictures that a walk passes at most."""
STEPS = 24
"""Pictures of a walk from one stop on, as in the GIFs of ``sweep generate``."""
LAYERS: tuple[Layers, ...] = ("coarse", "middle", "fine")
Way = Literal["forth", "back"]
"""Who gives the layers: the first picture to the second, or the second to the first."""
_BLOCKS, _LEGS, _MIXES = 128, 64, 32
_ADDRESS = re.compile(r"(\d{1,19})-(\d{1,4})(?:-(\d{1,4}))?", re.ASCII)


class GoneError(Exception):
    """Nobody waits for the pictures any more."""


@dataclass(frozen=True)
class Address:
    """Which picture.

    Attributes:
        seed: Of the latents, as that of ``sweep generate``.
        number: Which of them, from 0.
        label: The number of its class; None for that which it has among pictures in the proportions of the data.
    """

    seed: int
    number: int
    label: int | None = None

    @classmethod
    def read(cls, text: str) -> "Address":
        """Read ``seed-number`` or ``seed-number-class``.

        Raises:
            RequestError: if it is none.
        """
        found = _ADDRESS.fullmatch(text)
        if not found or int(found[2]) >= MOST or int(found[1]) >= 2**63:
            raise RequestError(
                f"'{text[:40]}' names no picture: a seed, a dash and a number below {MOST:,} do, such as 7-3"
            )
        return cls(int(found[1]), int(found[2]), None if found[3] is None else int(found[3]))

    def __str__(self) -> str:
        """Write it as `read` reads it."""
        return f"{self.seed}-{self.number}" + ("" if self.label is None else f"-{self.label}")


class Addressed:
    """The pictures of a generator, by their addresses; one at a time is made, whoever asks.

    What was made last is kept, because neighbours are made together and are asked for one by one.

    Args:
        generator: Of latents.

    Raises:
        RequestError: for a translator.
    """

    def __init__(self, generator: LoadedGenerator) -> None:
        generator.latents(1)  # a translator says what to do instead
        self.generator = generator
        self._lock = Lock()
        self._block = lru_cache(_BLOCKS)(self._make_block)
        self._leg = lru_cache(_LEGS)(self._make_leg)
        self._mixes = lru_cache(_MIXES)(self._make_mixes)

    def picture(
        self, address: Address, truncation: float = 1.0, gone: Callable[[], bool] | None = None
    ) -> NDArray[np.uint8]:
        """Make one picture ``(size, size, channels)``; see `LoadedGenerator.pictures`.

        Args:
            address: Which.
            truncation: Only for families with styles.
            gone: Tells whether it is not wanted any more; it is asked when others have been served.

        Raises:
            RequestError: for a truncation of a generator without styles, or a class that it does not know.
            GoneError: if nobody waits for it.
        """
        with self._lock:
            _check_wanted(gone)
            block = self._block(address.seed, address.number // BLOCK, address.label, truncation)
            picture: NDArray[np.uint8] = block[address.number % BLOCK]
            return picture

    def sheet(self, seed: int, count: int, label: int | None = None, truncation: float = 1.0) -> Image.Image:
        """Lay the first pictures of a seed on one sheet, as ``sweep generate --count`` does.

        Raises:
            RequestError: as `picture`, and for a count that is none.
        """
        if not 1 <= count <= MOST:
            raise RequestError(f"count must be between 1 and {MOST:,}, got {count}")
        with self._lock:
            blocks = [self._block(seed, block, label, truncation) for block in range(-(-count // BLOCK))]
        return sheet_of(np.concatenate(blocks)[:count], transparent=True)

    def leg(
        self,
        stops: Sequence[Address],
        number: int,
        truncation: float = 1.0,
        gone: Callable[[], bool] | None = None,
    ) -> NDArray[np.uint8]:
        """Make the pictures ``(STEPS, size, size, channels)`` from one stop of a closed walk on, before the next.

        A class is no place on the way: all of the walk is in that of its first stop.

        Raises:
            RequestError: as `picture`, and for a walk that is none.
            GoneError: if nobody waits for it.
        """
        if not 2 <= len(stops) <= STOPS:
            raise RequestError(f"a walk passes from 2 to {STOPS} pictures, not {len(stops)}")
        if not 0 <= number < len(stops):
            raise RequestError(f"a walk through {len(stops)} pictures has no part {number}")
        with self._lock:
            _check_wanted(gone)
            start, end = stops[number], stops[(number + 1) % len(stops)]
            return self._leg(start, end, self._label(stops[0]), truncation)

    def gif(self, stops: Sequence[Address], truncation: float = 1.0) -> bytes:
        """Make a closed walk as an endless GIF.

        Raises:
            RequestError: as `leg`.
        """
        legs = [self.leg(stops, number, truncation) for number in range(max(1, len(stops)))]
        return gif(sheet_of(picture[None]) for picture in np.concatenate(legs))

    def mixed(
        self,
        first: Address,
        second: Address,
        layers: Layers,
        way: Way = "forth",
        truncation: float = 1.0,
        gone: Callable[[], bool] | None = None,
    ) -> NDArray[np.uint8]:
        """Make one picture ``(size, size, channels)`` of the styles of two.

        Args:
            first: One picture.
            second: The other.
            layers: Which styles are given; see `ganlib.models.styles.generator.style_layers`.
            way: ``forth`` gives them from the first to the second, which keeps its others; ``back`` the reverse.
            truncation: See `picture`.
            gone: See `picture`.

        Raises:
            RequestError: as `picture`, for a generator without styles, and for unknown layers or another way.
            GoneError: if nobody waits for it.
        """
        self.generator.check_styles("mixing")
        if layers not in LAYERS or way not in ("forth", "back"):
            raise RequestError(
                f"layers are {', '.join(LAYERS)}, given forth or back; not '{layers}', '{way}'"
            )
        with self._lock:
            _check_wanted(gone)
            made: NDArray[np.uint8] = self._mixes(first, second, truncation)[
                LAYERS.index(layers) + len(LAYERS) * (way == "back")
            ]
            return made

    def labels(self) -> list[int]:
        """List the classes of the pictures of any seed that are told none; empty without labels."""
        counts = list(self.generator.config.classes.values())
        return classes_in_proportion(counts, MOST).tolist() if counts else []

    def _label(self, address: Address) -> int | None:
        """Find the class of a picture; None without labels."""
        labels = self.labels()
        return labels[address.number] if labels and address.label is None else address.label

    def _inputs(self, seed: int, count: int, label: int | None) -> Tensor:
        """Make what the network takes for the first pictures of a seed."""
        latents = self.generator.latents(count, seed)
        return self.generator.given(latents, self._name(label))

    def _name(self, label: int | None) -> str | None:
        classes = self.generator.classes
        if label is not None and label >= len(classes):
            known = f"it knows {len(classes)}" if classes else "it was trained without labels"
            raise RequestError(f"this generator has no class {label}: {known}")
        return None if label is None else classes[label]

    def _make_block(self, seed: int, block: int, label: int | None, truncation: float) -> NDArray[np.uint8]:
        inputs = self._inputs(seed, (block + 1) * BLOCK, label)
        return self.generator.pictures(inputs[block * BLOCK :], truncation)

    def _latent(self, address: Address) -> Tensor:
        """Draw the latents ``(1, latent_dim)`` of a picture."""
        return self.generator.latents(address.number + 1, address.seed)[-1:]

    def _make_leg(
        self, start: Address, end: Address, label: int | None, truncation: float
    ) -> NDArray[np.uint8]:
        keys = torch.stack([self._latent(start), self._latent(end)])
        frames = walk(keys, STEPS, closed=False)[:-1].flatten(0, 1)
        return self.generator.pictures(self.generator.given(frames, self._name(label)), truncation)

    @torch.inference_mode()
    def _make_mixes(self, first: Address, second: Address, truncation: float) -> NDArray[np.uint8]:
        """Make all mixes of two pictures, in one pass: each group of layers forth, then each back."""
        network, device = cast("StyleGenerator", self.generator.network), self.generator.device
        inputs = torch.cat(
            [self._inputs(one.seed, one.number + 1, one.label)[-1:] for one in (first, second)]
        )
        with tf32(False, device):
            styles = in_blocks(lambda part: network.map(part, truncation), inputs.to(device))
            mixes = []
            for given, kept in (styles, styles.flip(0)):
                for layers in LAYERS:
                    mixes.append(kept.clone())
                    mixes[-1][style_layers(network, layers)] = given[style_layers(network, layers)]
            pictures = to_uint8(in_blocks(network.synthesize, torch.stack(mixes)))
        return pictures.permute(0, 2, 3, 1).cpu().numpy()


def _check_wanted(gone: Callable[[], bool] | None) -> None:
    if gone is not None and gone():
        raise GoneError
