"""A picture folder that was moved: commands that go on with a sweep are told where it is now."""

import shutil
from pathlib import Path

import pytest
from click.testing import Result
from helpers.sweeps.commands import run
from PIL import Image

from sweep.spec.specification import load

SPEC = """
name: first
data: {size: 32}
model: {width: 8, latent_dim: 16}
train: {lr_g: {type: float, low: 1e-4, high: 1e-3}, epochs: 1, batch_size: 16, precision: fp32}
evaluate: {every: 1, n_fake: 32, n_real: 32, kid_subsets: 2}
search: {trials: 1}
collapse: {enabled: false}
"""


STORAGE = "runs #2 %41?[x]"
"""A folder may be called so; a URL may not, and every command must know the difference."""


def sweep(*arguments: object) -> Result:
    result = run(*map(str, arguments), "--storage", STORAGE)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_go_on_where_the_pictures_are_now(pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SWEEP_CACHE", str(tmp_path / "cache"))
    old, new, newer, other = (tmp_path / name for name in ("old", "new #2", "2024", "other"))
    for folder, seed in ((old, 0), (other, 1)):
        folder.mkdir()
        for number, picture in enumerate(pictures(48, 32, seed)):
            Image.fromarray(picture).save(folder / f"{number}.png")
    Path("s.yaml").write_text(SPEC)
    ran = sweep("run", "s.yaml", "--local", "--set", "data.source=old")
    assert ran.exit_code == 0, ran.output
    record = tmp_path / STORAGE / "first" / "spec.yaml"
    assert load(record).data.source == str(old)

    shutil.move(old, new)
    going_on = (
        ["resume"],
        ["extend", "first", "--trials", "+1"],
        ["confirm", "first", "--top", "1", "--seeds", "2"],
    )
    for command in going_on:
        lost = sweep(*command, "--local")
        assert lost.exit_code == 2, lost.output
        assert "--set data.source=PATH" in lost.output, lost.output
        if command[0] != "extend":
            continue
        for key in ("train.lr_g=1e-3", "data.size=64", "data.source", "data={source: x}"):
            refused = sweep(*command, "--local", "--set", key)
            assert (refused.exit_code == 2 and "keeps its spec" in refused.output) or "PATH" in refused.output
        wrong = sweep(*command, "--local", "--set", "data.source=other")
        assert wrong.exit_code == 2
        assert "are not those that the sweep began with" in wrong.output
        nowhere = sweep(*command, "--local", "--set", "data.source=nowhere")
        assert nowhere.exit_code == 2
        assert "nowhere" in nowhere.output
    assert load(record).data.source == str(old), "what was refused changes nothing"

    found = sweep("extend", "first", "--trials", "+1", "--local", "--set", f"data.source={new.name}")
    assert found.exit_code == 0, found.output
    assert load(record).data.source == str(new)
    assert sweep("resume").exit_code == 0, "the new place is on record"
    confirmed = sweep("confirm", "first", "--top", "1", "--seeds", "2", "--local")
    assert confirmed.exit_code == 0, confirmed.output

    shutil.move(new, newer)
    assert sweep("best", "--set", "data.source=2024").exit_code == 2
    monkeypatch.setattr(
        "sweep.commands.exporting.export.programs.programs_of", lambda *_: []
    )  # programs take long, and need no pictures
    best = sweep("best", "first", "--export", "out", "--set", "data.source=2024")
    assert best.exit_code == 0, best.output
    assert "not measured again" not in best.output, best.output
    assert load(record.parent / "confirm" / "spec.yaml").data.source == str(newer)
    assert sweep("check", "first").exit_code == 0
