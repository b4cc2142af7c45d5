"""A chosen spec with what was asked for in its place."""

from pathlib import Path

from helpers.sweeps.commands import draw, run
from hypothesis import assume, given
from hypothesis import strategies as st

from sweep.commands.folder.chosen import Numbers, spec_for
from sweep.commands.folder.put_over import put_over
from sweep.commands.folder.seen import Seen
from sweep.spec.problems import SpecError
from sweep.spec.specification import parse

SET = st.lists(
    st.sampled_from(
        [
            "name=mine",
            "data.size=64",
            "data.max_skipped=0.1",
            "data.crop=top",
            "data.source=[a, b]",
            "model.family=sagan",
            "model={family: dcgan, width: 8, latent_dim: 64}",
            "model.width={type: int, low: 8, high: 16}",
            "train.lr_g=1e-3",
            "train.lr_d={from: 2e-3, to: 2e-4}",
            "train.betas=[0.5, 0.9]",
            "train.lr_g.high=5e-3",
            "train.augment_p=0",
            "train.r1_gamma={type: categorical, choices: [0.1, 0.5, 1]}",
            "evaluate.n_fake=64",
            "search.trials=3",
            "search.time=1h",
            "search.subject_to.coverage=>= 0.5",
            "asha=",
            "asha.variant=promote",
            "resources.cpu=2",
            "track=[tensorboard]",
            "configs=[{train.lr_g: 1e-3}]",
            "configs=",
            "configs[0].train.smoothing=0.95",
        ]
    ),
    unique_by=lambda one: one.partition("=")[0],
    max_size=6,
)


@given(SET)
def test_the_text_of_a_spec_has_what_was_put_over_it(overrides: list[str]) -> None:
    seen = Seen("faces", 40, 40, (64, 64, 64))
    text = spec_for(seen, "faces", gpu=False, numbers=Numbers())
    try:
        spec = parse(text, overrides=overrides)
    except SpecError:
        assume(False)
    put = put_over(text, overrides)
    assert parse(put).to_yaml() == spec.to_yaml()
    kept = [line for line in text.splitlines() if line in put.splitlines()]
    assert put_over(text, []) == text
    assert len(kept) >= len(text.splitlines()) - 16


def test_init_prints_what_was_set(tmp_path: Path) -> None:
    here = draw(tmp_path / "faces", 40)
    text = run("init", here, "--set", "data.size=64", "--set", "train.lr_g=1e-3", "--name", "mine").stdout
    assert "  size: 64  # as asked for\n" in text
    spec = parse(text)
    assert (spec.name, spec.data.size, spec.plain["train.lr_g"]) == ("mine", 64, 1e-3)
    assert "train.lr_g" not in spec.space
    assert all("train.lr_g" not in point for point in spec.configs)
