"""Pictures by their addresses are those of the list of their seed, whoever asks for which first."""

import io
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from helpers.training.exports import tiny_export
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from ganlib import load_generator
from ganlib.errors import RequestError
from ganlib.export.addressed import LAYERS, MOST, STEPS, STOPS, Address, Addressed, GoneError
from ganlib.export.moving import FRAMES_PER_SECOND
from ganlib.models.styles.generator import StyleGenerator, mix_grid


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Addressed:
    folder = tiny_export(tmp_path_factory.mktemp("pets"), classes={"cat": 3, "dog": 1})
    return Addressed(load_generator(folder))


@pytest.fixture(scope="module")
def styles(tmp_path_factory: pytest.TempPathFactory) -> Addressed:
    return Addressed(load_generator(tiny_export(tmp_path_factory.mktemp("styles"), "stylegan2")))


@given(st.integers(0, 2**63 - 1), st.integers(0, MOST - 1), st.none() | st.integers(0, 9999))
def test_an_address_is_read_as_it_is_written(seed: int, number: int, label: int | None) -> None:
    address = Address(seed, number, label)
    assert Address.read(str(address)) == address


@pytest.mark.parametrize(
    "text", ["", "7", "7-", "-1-3", f"7-{MOST}", f"{2**63}-0", "7-3-x", "7-3 ", "٧-3", "7-3-1-1"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="names no picture"):
        Address.read(text)


def test_pictures_are_those_of_the_list_to_the_last_bit(pets: Addressed, styles: Addressed) -> None:
    for made, label, truncation in ((pets, None, 1.0), (pets, 1, 1.0), (styles, None, 0.5)):
        name = None if label is None else made.generator.classes[label]
        listed = made.generator.sample(20, 7, truncation, classes=name)
        for number in (19, 0, 8, 7):
            assert np.array_equal(made.picture(Address(7, number, label), truncation), listed[number])


def test_a_picture_told_no_class_has_that_of_the_data(pets: Addressed) -> None:
    labels = pets.labels()
    assert len(labels) == MOST
    assert 0.24 < np.mean(labels) < 0.26
    for number in range(4):
        plain, told = Address(3, number), Address(3, number, labels[number])
        assert np.array_equal(pets.picture(plain), pets.picture(told))
    assert not np.array_equal(pets.picture(Address(3, 0, 0)), pets.picture(Address(3, 0, 1)))


def test_a_walk_passes_its_stops_in_the_class_of_the_first(pets: Addressed) -> None:
    stops = [Address(1, 0, 1), Address(2, 9, 0), Address(1, 5)]
    for number, stop in enumerate(stops):
        leg = pets.leg(stops, number)
        assert leg.shape == (STEPS, 32, 32, 3)
        dog = pets.picture(Address(stop.seed, stop.number, 1))
        assert np.abs(leg[0].astype(int) - dog).max() <= 1
    moving = Image.open(io.BytesIO(pets.gif(stops)))
    # Pictures that are equal are one frame, which stays longer.
    shown = sum(frame.info["duration"] for frame in ImageSequence.Iterator(moving))
    assert shown == pytest.approx(3 * STEPS * 1000 / FRAMES_PER_SECOND, rel=0.06)
    assert moving.info["loop"] == 0


def test_mixes_are_those_of_the_grid(styles: Addressed) -> None:
    network = styles.generator.network
    assert isinstance(network, StyleGenerator)
    first, second = Address(1, 3), Address(4, 0)
    latents = [styles.generator.latents(one.number + 1, one.seed)[-1:] for one in (first, second)]
    for layers, (way, pair) in product(LAYERS, (("forth", latents), ("back", latents[::-1]))):
        grid = mix_grid(network, *pair, layers, 0.7)[1, 1].permute(1, 2, 0).numpy()
        mixed = styles.mixed(first, second, layers, way, 0.7)  # type: ignore[arg-type]
        assert np.abs(mixed - np.clip(grid * 127.5 + 127.5, 0, 255)).max() <= 1


def test_what_the_generator_cannot_do_is_refused(pets: Addressed, styles: Addressed, tmp_path: Path) -> None:
    one = Address(0, 0)
    for call, says in (
        (lambda: pets.picture(one, 0.5), "needs a generator with a mapping network"),
        (lambda: pets.mixed(one, one, "fine"), "mixing needs a generator with a mapping network"),
        (lambda: styles.mixed(one, one, "all"), "layers are coarse, middle, fine"),  # type: ignore[arg-type]
        (lambda: pets.picture(Address(0, 0, 2)), "no class 2: it knows 2"),
        (lambda: styles.picture(Address(0, 0, 0)), "no class 0: it was trained without labels"),
        (lambda: pets.leg([one], 0), f"from 2 to {STOPS} pictures, not 1"),
        (lambda: pets.gif([]), "not 0"),
        (lambda: pets.leg([one, one], 2), "has no part 2"),
        (lambda: pets.sheet(0, 0), "count must be between 1"),
        (lambda: Addressed(load_generator(tiny_export(tmp_path, "cyclegan"))), "takes no latents"),
    ):
        with pytest.raises(RequestError, match=says):
            call()


def test_nothing_is_made_for_those_who_have_gone(styles: Addressed) -> None:
    with pytest.raises(GoneError):
        styles.picture(Address(99, 0), gone=lambda: True)
    assert styles.picture(Address(99, 0), gone=lambda: False).shape == (32, 32, 3)
