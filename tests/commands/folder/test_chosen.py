"""What is chosen for a folder of pictures, by what is in it."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.commands.folder.chosen import Numbers, classes_in, size_for, spec_for
from sweep.commands.folder.seen import Seen
from sweep.shipped import specs
from sweep.spec.specification import Spec, load, parse

PLAIN = Seen("/pictures", 3000, 3000, (200, 256, 300), folders={"": 3000})


QUICK = Numbers()


def chosen(seen: Seen, gpu: bool = False, numbers: Numbers = QUICK) -> Spec:
    return parse(spec_for(seen, "pictures", gpu, numbers))


def test_of_what_is_plain_nothing_is_changed() -> None:
    spec = chosen(PLAIN)
    assert (spec.data.size, spec.data.channels, spec.data.resize, spec.data.crop) == (
        32,
        3,
        "antialias",
        "center",
    )
    assert not spec.data.dedupe
    assert spec.data.labels is None
    assert spec.search.time is None
    assert "train.diffaugment" not in spec.space


def test_what_is_known_of_the_machine_settles_the_numbers() -> None:
    spec = chosen(PLAIN, numbers=Numbers(2, 3, 50, 40, "14m20s"))
    assert (spec.evaluate.every, spec.search.trials, spec.search.seconds) == (2, 40, 860)
    assert spec.asha is not None
    assert (spec.asha.grace, spec.asha.max, spec.asha.variant) == (3, 50, "promote")
    changed = Numbers().changed(
        {"evaluate.every": "2", "asha.max": "50", "search.time": "1h", "train.kimg": "9"}
    )
    assert changed == Numbers(every=2, longest=50, time="1h")


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"grey": 1.0}, {"channels": 1}),
        ({"grey": 0.99}, {"channels": 3}),
        ({"alike": 0.02}, {"dedupe": True}),
        ({"upright": 0.9, "oblong": 0.95}, {"crop": "top"}),
        ({"upright": 0.1, "oblong": 0.95}, {"crop": "center"}),
        ({"shorter": (16, 16, 16)}, {"resize": "nearest", "size": 32}),
        ({"shorter": (12, 16, 16)}, {"resize": "antialias"}),
        ({"shorter": (20, 20, 20)}, {"resize": "antialias"}),
        ({"shorter": (28, 28, 28)}, {"size": 28, "resize": "antialias"}),
        ({"transparent": 1.0}, {"background": "white"}),
        ({"folders": {"cats": 1500, "dogs": 1500}}, {"labels": "folders"}),
        ({"folders": {"cats": 2900, "dogs": 100}}, {"labels": None}),
        ({"folders": {"cats": 1500, "dogs": 1400, "": 100}}, {"labels": None}),
        ({"folders": {"all": 3000}}, {"labels": None}),
    ],
)
def test_choices_follow_from_the_pictures(change: dict, wanted: dict) -> None:
    data = chosen(replace(PLAIN, **change)).data
    assert {key: getattr(data, key) for key in wanted} == wanted


def test_known_trials_stand_first_and_lie_in_the_space() -> None:
    spec = chosen(PLAIN)
    assert len(spec.configs) == 2
    for known in spec.configs:
        assert set(known) == set(spec.space)
        assert all(spec.space[path].low <= value <= spec.space[path].high for path, value in known.items())


def test_network_and_training_are_those_of_the_quickstart() -> None:
    spec, quickstart = chosen(PLAIN), load(dict(specs())["quickstart"])
    assert spec.configs[0] == quickstart.configs[0]
    assert spec.space == quickstart.space
    assert spec.asha == quickstart.asha
    alike = [key for key in quickstart.plain if key.split(".")[0] in ("model", "train", "evaluate")]
    assert {key: spec.plain[key] for key in alike} == {key: quickstart.plain[key] for key in alike}


def test_few_pictures_are_augmented() -> None:
    spec = chosen(replace(PLAIN, count=500, looked=500))
    assert "train.diffaugment" in spec.space
    assert all(known["train.diffaugment"] == ["translation"] for known in spec.configs)
    assert spec.evaluate.n_real == 500


@pytest.mark.parametrize(
    ("change", "distinct"),
    [
        ({"alike": 0.25}, 750),
        ({"count": 10000, "looked": 3000, "unreadable": 1000, "alike": 0.5}, 3750),
        ({"alike": 1.0}, 32),
    ],
)
def test_pictures_to_compare_with_differ_and_can_be_opened(change: dict, distinct: int) -> None:
    seen = replace(PLAIN, **{"count": 1000, "looked": 1000, **change})
    assert seen.distinct == distinct
    assert chosen(seen).evaluate.n_real == min(1024, distinct)


def test_a_gpu_has_larger_pictures_where_there_are_any() -> None:
    assert size_for(256, gpu=True)[0] == 64
    assert size_for(40, gpu=True)[0] == 32
    assert size_for(256, gpu=False)[0] == 32
    spec = chosen(PLAIN, gpu=True)
    assert (spec.data.size, spec.resources.gpu) == (64, "auto")


shares = st.floats(0, 1)


@given(
    count=st.integers(32, 10**6),
    sides=st.lists(st.integers(1, 5000), min_size=3, max_size=3).map(sorted),
    rest=st.tuples(shares, shares, shares, shares, shares),
    folders=st.dictionaries(st.text(max_size=8), st.integers(1, 10**5), max_size=30),
    folder=st.text(min_size=1),
    gpu=st.booleans(),
)
@settings(max_examples=20)
def test_every_folder_has_a_spec_that_is_right(
    count: int, sides: list[int], rest: tuple[float, ...], folders: dict, folder: str, gpu: bool
) -> None:
    """Whatever folders are called and pictures are like."""
    seen = Seen(folder, count, count, tuple(sides), *rest, folders=folders)  # type: ignore[arg-type]
    spec = chosen(seen, gpu)
    assert spec.data.source == folder
    assert (spec.data.labels == "folders") == bool(classes_in(seen))
