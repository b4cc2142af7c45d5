"""The built-in faces."""

import json

import numpy as np
import pytest

from ganlib.config import DataConfig
from ganlib.data import prepare, styles
from ganlib.data.avatars import attribution
from ganlib.errors import RequestError


def test_a_smaller_avatar_set_is_the_beginning_of_a_larger_one(cache):
    values = {"size": 28, "style": "pixel-art", "seed": 5}
    small = prepare(DataConfig(count=7, **values), cache)
    large = prepare(DataConfig(count=40, **values), cache)
    assert (large.pictures[:7] == small.pictures).all()
    other = prepare(DataConfig(count=7, **values | {"seed": 6}), cache)
    assert not (other.pictures == small.pictures).all(axis=(1, 2, 3)).any()
    assert len(np.unique(large.pictures.reshape(40, -1), axis=0)) > 30


def test_avatars_stand_on_the_background(cache):
    pink = prepare(DataConfig(count=3, size=28, style="lorelei", background="#ffd0e0"), cache)
    assert (pink.pictures[:, 0, 0] == (255, 208, 224)).all()


@pytest.mark.parametrize("style", ["avataaars", "bottts", "fun-emoji", "personas", "toon-head"])
def test_styles_give_different_pictures(cache, style):
    images = prepare(DataConfig(count=12, size=28, style=style), cache)
    assert len(np.unique(images.pictures.reshape(12, -1), axis=0)) > 10
    assert (images.pictures.std(axis=(1, 2, 3)) > 10).all()


def test_every_style_names_its_maker_and_its_licence():
    assert "adventurer" in styles()
    assert len(styles()) > 20
    for style in styles():
        text = attribution(style)
        assert f"Avatar style '{style}'" in text
        assert "licensed under" in text
        assert "unknown" not in text
        assert "\n" not in text


def test_the_attribution_is_stored_with_the_set(cache):
    images = prepare(DataConfig(count=2, size=28, style="lorelei"), cache)
    assert images.attribution == attribution("lorelei")
    assert "Lisa Wischofsky" in images.attribution
    assert json.loads(images.path.with_suffix(".json").read_text())["attribution"] == images.attribution


def test_fewer_avatars_than_styles_are_refused(cache):
    config = DataConfig(count=2, size=28, style=["adventurer", "lorelei", "shapes"])
    with pytest.raises(
        RequestError, match=r"data\.count is 2, and data\.style names 3 styles: give a count of at"
    ):
        prepare(config, cache)
    assert len(prepare(config.model_copy(update={"count": 3}), cache)) == 3
