"""Translators that were exported: pictures of any size, one by one, with and without transparency, back and forth."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from ganlib import load_generator
from ganlib.config import ModelConfig
from ganlib.errors import RequestError
from ganlib.export.files import ExportConfig, pack_weights, save_generator
from ganlib.export.generator import LoadedGenerator, LoadedTranslator
from ganlib.export.translation import bled, padded, translated
from ganlib.models.translator import Translator
from ganlib.names import FAMILIES


def export(folder: Path, family: str, seed: int = 0) -> Path:
    """Write the export of a small network with random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = ModelConfig(family=family, width=4, **({"blocks": 1} if FAMILIES[family].translates else {}))
        network = FAMILIES[family].load().generator(model, 64, 3)
    save_generator(folder, ExportConfig(model=model, size=64), pack_weights(network))
    return folder


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> LoadedTranslator:
    loaded = load_generator(export(tmp_path_factory.mktemp("both"), "cyclegan"))
    assert isinstance(loaded, LoadedTranslator)
    return loaded


@pytest.fixture(scope="module")
def forth(tmp_path_factory: pytest.TempPathFactory) -> LoadedTranslator:
    loaded = load_generator(export(tmp_path_factory.mktemp("forth"), "cartoongan"))
    assert isinstance(loaded, LoadedTranslator)
    return loaded


@pytest.fixture(scope="module")
def latent(tmp_path_factory: pytest.TempPathFactory) -> LoadedGenerator:
    return load_generator(export(tmp_path_factory.mktemp("latent"), "dcgan"))


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def levels(network: torch.nn.Module, pictures: np.ndarray) -> np.ndarray:
    """What a network makes of pictures whose sides it takes, by the shortest way."""
    with torch.no_grad():
        made = network(torch.from_numpy(pictures).permute(0, 3, 1, 2) / 127.5 - 1)
    return (made * 127.5 + 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()


def test_each_way_is_its_network(both: LoadedTranslator) -> None:
    pictures = noise(3, 16, 24, 3)
    for back, network in ((False, both.network.forth), (True, both.network.back)):
        made = both.translate(pictures, back=back)
        assert made.dtype == np.uint8
        # One by one and together are rounded in other ways.
        assert np.abs(made.astype(int) - levels(network, pictures)).max() <= 1
    assert not np.array_equal(both.translate(pictures), both.translate(pictures, back=True))


def test_what_is_saved_comes_back_whole(tmp_path: Path) -> None:
    model = ModelConfig(family="cyclegan", width=4, blocks=1, upsample="resize")
    network = FAMILIES["cyclegan"].load().generator(model, 64, 3)
    save_generator(tmp_path, ExportConfig(model=model, size=64), pack_weights(network))
    loaded = load_generator(tmp_path)
    assert isinstance(loaded.network, Translator)
    assert loaded.network.state_dict().keys() == network.state_dict().keys()
    assert any(name.startswith("back.") for name in network.state_dict())
    for name, value in network.state_dict().items():
        assert torch.equal(loaded.network.state_dict()[name], value), name


@pytest.mark.parametrize("family", ["both", "forth"])
@pytest.mark.parametrize(
    "size", [(1, 1), (1, 40), (2, 3), (3, 500), (5, 8), (7, 4), (8, 8), (9, 63), (64, 64), (101, 50)]
)
def test_any_size_comes_out_as_it_went_in(
    family: str, size: tuple[int, int], request: pytest.FixtureRequest
) -> None:
    loaded = request.getfixturevalue(family)
    for channels in (3, 4):
        assert loaded.translate(noise(2, *size, channels)).shape == (2, *size, channels)


def test_a_picture_does_not_depend_on_others(both: LoadedTranslator) -> None:
    pictures = [noise(16, 20, 3, seed=1), noise(33, 9, 4, seed=2), noise(16, 20, 3, seed=3)]
    made = both.translate(pictures)
    assert isinstance(made, list)
    for picture, one in zip(pictures, made, strict=True):
        assert np.array_equal(both.translate(picture[None])[0], one)
    assert np.array_equal(both.translate(np.stack(pictures[::2])), np.stack(made[::2]))


def test_nothing_is_made_of_no_pictures(both: LoadedTranslator) -> None:
    assert both.translate([]) == []
    assert both.translate(np.zeros((0, 8, 8, 3), np.uint8)).shape == (0, 8, 8, 3)


@pytest.mark.parametrize(("side", "wanted"), [(1, 8), (4, 8), (8, 8), (9, 12), (12, 12), (499, 500)])
def test_padding_reaches_multiples_of_four(side: int, wanted: int) -> None:
    picture = noise(side, 2 * side, 3)
    assert padded(picture).shape == (wanted, max(8, -(-2 * side // 4) * 4), 3)
    assert np.array_equal(padded(picture)[:side, : 2 * side], picture)


def test_padding_reflects_and_repeats_where_there_is_too_little() -> None:
    column = np.arange(9, dtype=np.uint8)[:, None, None].repeat(8, 1).repeat(3, 2)
    assert padded(column)[:, 0, 0].tolist() == [*range(9), 7, 6, 5]
    assert padded(column[:2])[:, 0, 0].tolist() == [0, 1, 1, 1, 1, 1, 1, 1]


# ---- transparency ------------------------------------------------------------------------------------------


def disc(side: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """A red disc with a soft edge, and how solid each pixel of it is; black where nothing can be seen."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    alpha = (np.clip((side / 4 - np.hypot(x, y)) / 3 + 0.5, 0, 1) * 255).round().astype(np.uint8)
    colour = np.where(alpha[..., None] > 0, np.array([200, 40, 30], np.uint8), 0).astype(np.uint8)
    return np.concatenate([colour, alpha[..., None]], 2), alpha


class Blurred(torch.nn.Module):
    """A translation that mixes neighbours, as all do."""

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        wide = torch.nn.functional.pad(pictures, (2, 2, 2, 2), mode="replicate")
        return torch.nn.functional.avg_pool2d(wide, 5, 1)


def test_no_background_shows_at_soft_edges() -> None:
    picture, alpha = disc()
    made = translated(Blurred(), picture, torch.device("cpu"))
    assert np.array_equal(made[..., 3], alpha)
    seen = alpha > 0
    assert np.abs(made[seen][:, :3].astype(int) - [200, 40, 30]).max() <= 1
    assert not made[~seen].any()


def test_hardly_visible_pixels_do_not_spread() -> None:
    picture = np.zeros((8, 8, 4), np.uint8)
    picture[:, :3] = (200, 40, 30, 255)
    picture[:, 3] = (255, 255, 255, 2)
    colour = bled(picture)
    assert (colour[:, 4:] == (200, 40, 30)).all()
    assert (colour[:, 3] == 255).all()


def test_what_cannot_be_seen_at_all(both: LoadedTranslator) -> None:
    assert not both.translate(np.zeros((1, 12, 9, 4), np.uint8)).any()
    faint = np.zeros((8, 8, 4), np.uint8)
    faint[2, 2] = (10, 20, 30, 1)
    assert (bled(faint) == (10, 20, 30)).all()


def test_what_is_solid_is_translated_as_without_alpha(both: LoadedTranslator) -> None:
    picture = noise(1, 20, 20, 3)
    solid = np.concatenate([picture, np.full((1, 20, 20, 1), 255, np.uint8)], 3)
    made = both.translate(solid)
    assert np.array_equal(made[..., :3], both.translate(picture))
    assert (made[..., 3] == 255).all()


# ---- what does not fit -------------------------------------------------------------------------------------


def test_the_way_back_must_have_been_learned(forth: LoadedTranslator) -> None:
    with pytest.raises(
        RequestError, match=r"a cartoongan .* no way back \(families that learn both: cyclegan\)"
    ):
        forth.translate(noise(1, 8, 8, 3), back=True)


@pytest.mark.parametrize(
    ("pictures", "says"),
    [
        (np.zeros((2, 8, 8, 3), np.float32), r"float32 \(2, 8, 8, 3\)"),
        (np.zeros((2, 3, 8, 8), np.uint8), r"uint8 \(2, 3, 8, 8\)"),
        (np.zeros((8, 8, 3), np.uint8), r"uint8 \(8, 8, 3\)"),
        (np.zeros((2, 0, 8, 3), np.uint8), r"uint8 \(2, 0, 8, 3\)"),
        ([np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.uint8)], r"a list with uint8 \(8, 8\)$"),
        ((np.zeros((8, 8, 3)),), r"a tuple with float64 \(8, 8, 3\)$"),
        (torch.zeros(2, 8, 8, 3, dtype=torch.uint8), "Tensor$"),
        (np.array(3, np.uint8), r"uint8 \(\)$"),
        (None, "NoneType$"),
    ],
)
def test_what_are_no_pictures(pictures: np.ndarray, says: str, both: LoadedTranslator) -> None:
    with pytest.raises(RequestError, match=f"must be uint8 .* not {says}"):
        both.translate(pictures)


def calls(loaded: LoadedGenerator) -> Iterator[object]:
    yield lambda: loaded.sample(2)
    yield lambda: loaded.latents(2)
    yield lambda: loaded.pictures(torch.zeros(1, 3, 8, 8), truncation=0.5)
    yield lambda: loaded.check_styles("--mix")


def test_a_translator_takes_no_latents(both: LoadedTranslator) -> None:
    for call in calls(both):
        with pytest.raises(
            RequestError, match=r"use translate\(pictures\), or 'sweep generate EXPORT --input FOLDER'"
        ):
            call()


def test_a_generator_of_latents_translates_nothing(latent: LoadedGenerator) -> None:
    with pytest.raises(RequestError, match=r"a dcgan .* use sample\(count\), or 'sweep generate EXPORT'"):
        latent.translate(noise(1, 8, 8, 3))


def test_pictures_of_floats_are_made_by_both(both: LoadedTranslator, latent: LoadedGenerator) -> None:
    inputs = torch.from_numpy(noise(9, 64, 64, 3)).permute(0, 3, 1, 2) / 127.5 - 1
    assert np.abs(both.pictures(inputs).astype(int) - levels(both.network, noise(9, 64, 64, 3))).max() <= 1
    assert latent.pictures(latent.latents(2)).shape == (2, 64, 64, 3)
