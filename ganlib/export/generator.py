"""Write a trained generator as files that any program can load, and load it again.

An export is a folder: ``model.safetensors`` (the weights) and ``config.json`` (all that is needed to rebuild
the network around them, and the SHA-256 of every other file). Nothing in it is executed on loading: safetensors
holds only tensors, and the configuration is validated like a spec. `ganlib.export.programs` adds programs for others.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn, TypeVar

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from torch import Tensor, nn

from ganlib.data.alpha import to_uint8
from ganlib.errors import RequestError, WorkError
from ganlib.export.classes import Told, with_classes
from ganlib.export.files import CONFIG, WEIGHTS, ExportConfig, read_export
from ganlib.export.programs import has_styles
from ganlib.export.taken import Numbers, latents_of, whole
from ganlib.export.translation import check_pictures, translated
from ganlib.flags import tf32
from ganlib.initial import initial_weights
from ganlib.models.family import Family
from ganlib.models.latents import BLOCK, fixed_latents, in_blocks
from ganlib.models.translator import Translator
from ganlib.names import FAMILIES

Pictures = TypeVar("Pictures", np.ndarray, list[np.ndarray])


@dataclass(frozen=True)
class LoadedGenerator:
    """A generator ready to make pictures: of latents, or a `LoadedTranslator`."""

    network: nn.Module
    config: ExportConfig
    device: torch.device

    def latents(self, count: int, seed: int = 0) -> Tensor:
        """Draw standard normal latents ``(count, latent_dim)``; one seed gives one list of latents everywhere.

        Fewer of them are the beginning of more.

        Raises:
            RequestError: for a count below 1, or a seed that is none.
        """
        count, seed = whole(count, "count", 1), whole(seed, "seed", 0)
        return fixed_latents(count, self.config.model.latent_dim, seed)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes that the generator can be told, in their order; empty without labels."""
        return tuple(self.config.classes)

    def given(self, latents: Numbers, classes: Told = None) -> Tensor:
        """Make what the network takes of latents ``(n, latent_dim)`` and the classes of their pictures.

        Args:
            latents: Standard normal: a tensor, an array or nested lists.
            classes: A name or number for all, or n of them: a list, an array or a tensor ``(n,)`` of whole numbers; by
                default classes come in the proportions of the data, so that row i's class does not depend on how many
                follow it.

        Raises:
            RequestError: for latents of another length, a class that is none of the generator's, another number of
                classes than latents, or classes for a generator that cannot be told any.
        """
        return with_classes(latents_of(latents, self.config.model.latent_dim), classes, self.config.classes)

    def __call__(self, latents: Numbers, classes: Told = None, truncation: float = 1.0) -> np.ndarray:
        """Make pictures of latents and classes; see `given` and `pictures`."""
        return self.pictures(self.given(latents, classes), truncation)

    @torch.inference_mode()
    def pictures(self, inputs: Tensor, truncation: float = 1.0, batch_size: int = 64) -> np.ndarray:
        """Make pictures ``(n, size, size, channels)``, uint8, of what the network takes; computed in float32.

        RGBA is as in a PNG: the colour does not depend on alpha. (What ``network`` gives is multiplied by it.)

        On one machine a picture depends on its input and its number alone, not on how many follow it.

        Args:
            inputs: Latents ``(n, latent_dim)``, standard normal, with classes what `given` makes of them; of a
                translator photographs ``(n, 3, size, size)`` in [-1, 1].
            truncation: Below 1, pictures are more typical and less varied; only for families with styles.
            batch_size: How many are kept on the device at a time, >= 1; it changes no picture, because passes
                are always of `ganlib.models.latents.BLOCK`.

        Raises:
            RequestError: for a truncation of a generator without styles, a batch size below 1, or inputs of another
                length.
        """
        batch_size = whole(batch_size, "batch_size", 1)
        inputs = self._checked(inputs)
        extra = {}
        if truncation != 1:
            self.check_styles("truncation")
            extra["truncation"] = truncation
        make = partial(self.network, **extra)
        whole_blocks = -(-batch_size // BLOCK) * BLOCK
        with tf32(False, self.device):
            parts = [
                to_uint8(in_blocks(make, part.to(self.device))).cpu() for part in inputs.split(whole_blocks)
            ]
        return torch.cat(parts).permute(0, 2, 3, 1).numpy()

    def _checked(self, inputs: Tensor) -> Tensor:
        dim = self.config.model.latent_dim + bool(self.classes)
        if self.classes and inputs.shape[1:] != (dim,):
            raise RequestError(
                f"this generator is told classes ({', '.join(self.classes[:8])}): call it with them, "
                "generator(latents, classes), or generator.sample(count, classes=...)"
            )
        return latents_of(inputs, dim)

    def check_styles(self, what: str) -> None:
        """Refuse what needs a mapping network.

        Raises:
            RequestError: if there is none.
        """
        if not has_styles(self.network):
            raise RequestError(
                f"{what} needs a generator with a mapping network (a StyleGAN); this is a {self.config.model.family}"
            )

    def sample(
        self,
        count: int,
        seed: int = 0,
        truncation: float = 1.0,
        batch_size: int = 64,
        classes: Told = None,
    ) -> np.ndarray:
        """Make ``count`` random pictures, ``(count, size, size, channels)`` uint8, of ``classes`` (see `given`).

        One seed gives one list of pictures, and fewer of them are the beginning of more.
        """
        return self.pictures(self.given(self.latents(count, seed), classes), truncation, batch_size)

    def translate(self, pictures: Pictures, back: bool = False) -> Pictures:
        """Translate pictures; see `LoadedTranslator.translate`.

        Raises:
            RequestError: for a generator of latents.
        """
        raise RequestError(
            f"a {self.config.model.family} makes pictures of latents, and translates none: use sample(count), or "
            "'sweep generate EXPORT' without --input"
        )


class LoadedTranslator(LoadedGenerator):
    """A generator ready to turn photographs into drawings, and drawings into photographs where it has learned that."""

    network: Translator

    def translate(self, pictures: Pictures, back: bool = False) -> Pictures:
        """Translate pictures of any size, each by itself; computed in float32.

        A picture is padded to sides that are multiples of 4, and cropped again (`ganlib.export.translation`). Alpha is
        kept, and the colour translated as if all of the picture were opaque; what cannot be seen takes the colour of
        the nearest pixel that can, so that no background shows at soft edges.

        At most 32 bytes of memory are taken for each pixel of the largest picture and each unit of ``model.width``.

        Args:
            pictures: uint8 ``(n, h, w, 3)``, RGB, or ``(n, h, w, 4)``, RGBA; or a list or tuple of ``(h, w, 3 or 4)``,
                whose sizes may differ.
            back: Turn drawings into photographs.

        Returns:
            As many pictures of their shapes, uint8: an array for an array, else a list.

        Raises:
            RequestError: for what are no pictures, or a way back that was not learned.
        """
        network = self.way(back)
        check_pictures(pictures)
        with tf32(False, self.device):
            made = [translated(network, picture, self.device) for picture in pictures]
        return np.array(made, np.uint8).reshape(pictures.shape) if isinstance(pictures, np.ndarray) else made

    def way(self, back: bool = False) -> nn.Module:
        """Give the network of one direction, from pictures ``(n, 3, h, w)`` in [-1, 1] to pictures.

        Raises:
            RequestError: for a way back that was not learned.
        """
        if not back:
            return self.network.forth
        if self.network.back is None:
            both = ", ".join(name for name, family in FAMILIES.items() if family.returns)
            raise RequestError(
                f"a {self.config.model.family} turns photographs into drawings only, and has learned no way back "
                f"(families that learn both: {both})"
            )
        return self.network.back

    def _checked(self, inputs: Tensor) -> Tensor:
        return inputs

    def latents(self, count: int, seed: int = 0) -> NoReturn:
        """Refuse to draw latents, and so all that is made of them.

        Raises:
            RequestError: always.
        """
        raise RequestError(self._instead("it takes no latents"))

    def check_styles(self, what: str) -> NoReturn:
        """Refuse what needs a mapping network.

        Raises:
            RequestError: always.
        """
        raise RequestError(self._instead(f"{what} means nothing to it"))

    def _instead(self, why: str) -> str:
        return (
            f"a {self.config.model.family} translates pictures, and {why}: use translate(pictures), or "
            "'sweep generate EXPORT --input FOLDER'"
        )


def rebuild(
    config: ExportConfig, weights: bytes, name: str, device: torch.device | str = "cpu"
) -> LoadedGenerator:
    """Rebuild a generator from its configuration and the bytes of its weights.

    Raises:
        WorkError: if the weights are damaged or of another network.
    """
    with initial_weights():
        family: Family = FAMILIES[config.model.family].load()
        network = family.generator(config.model, config.size, config.channels, len(config.classes))
    try:
        network.load_state_dict(load_tensors(weights))
    except (SafetensorError, RuntimeError) as error:
        why = " ".join(str(error).split())[:300]
        raise WorkError(f"{name} does not hold the weights of the network of its {CONFIG}: {why}") from None
    where = torch.device(device)
    loaded = LoadedTranslator if FAMILIES[config.model.family].translates else LoadedGenerator
    return loaded(network.eval().requires_grad_(False).to(where), config, where)


def load_generator(folder: str | Path, device: torch.device | str = "cpu") -> LoadedGenerator:
    """Load an exported generator; where its family translates pictures, that is a `LoadedTranslator`.

    Args:
        folder: what ``sweep best --export`` wrote.
        device: where to run it.

    Raises:
        RequestError: if the folder is no export.
        WorkError: if its files are damaged, or not those that were exported.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from ganlib.config import ModelConfig
        >>> from ganlib.export.files import ExportConfig, pack_weights, save_generator
        >>> config = ExportConfig(model=ModelConfig(width=4), size=28)
        >>> network = FAMILIES["dcgan"].load().generator(config.model, 28, 3)
        >>> with TemporaryDirectory() as folder:
        ...     _ = save_generator(Path(folder), config, pack_weights(network))
        ...     load_generator(folder).sample(64, seed=7).shape
        (64, 28, 28, 3)

        One that translates, from pictures to pictures of their sizes:

        >>> config = ExportConfig(model=ModelConfig(family="cyclegan", width=4, blocks=1), size=64)
        >>> network = FAMILIES["cyclegan"].load().generator(config.model, 64, 3)
        >>> drawings = np.zeros((2, 90, 61, 3), np.uint8)
        >>> with TemporaryDirectory() as folder:
        ...     _ = save_generator(Path(folder), config, pack_weights(network))
        ...     load_generator(folder).translate(drawings, back=True).shape
        (2, 90, 61, 3)
    """
    config, weights = read_export(Path(folder))
    return rebuild(config, weights, str(Path(folder) / WEIGHTS), device)
