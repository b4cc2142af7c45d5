"""`sweep run PICTURES/`: from a folder to a report and a generator, without a spec."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from helpers.sweeps.commands import draw, run, small

from sweep import shipped
from sweep.cli import detach as detaching
from sweep.commands.folder import chosen, pictures, seen
from sweep.commands.folder.asked import Asked
from sweep.commands.folder.chosen import name_for
from sweep.commands.planning import fitting
from sweep.spec.specification import Spec, load, parse

QUICK = ("evaluate.every=0.2", "asha.grace=0.2", "asha.max=0.6", "search.trials=2", "search.time=1h")
"""What a measurement might settle, of a sweep that takes seconds."""
SMALL = [
    *("--set", "model.width=8", "--set", "model.latent_dim=16", "--set", "evaluate.n_fake=32"),
    *("--set", "evaluate.n_first=16", "--set", "evaluate.n_real=48"),
]


@dataclass
class Fitted:
    spec: Any
    overrides: tuple[str, ...]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return draw(tmp_path / "My pictures", 64)


@pytest.fixture
def asked_for(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that are fitted, without measuring."""
    seconds: list[float] = []

    def fitted(spec: Any, limit: float, *_: Any) -> Fitted:
        seconds.append(limit)
        return Fitted(spec, QUICK)

    monkeypatch.setattr(pictures, "fitted", fitted)
    return seconds


def test_from_a_folder_to_a_generator(here: Path, asked_for: list[float]) -> None:
    done = run("run", here, "--local", "--time", "20m", *SMALL)
    assert done.exit_code == 0, done.output
    assert asked_for == [1200]
    folder = Path("runs/My-pictures")
    text = (folder / "chosen.yaml").read_text()
    assert "size: 32  # there is no GPU" in text
    assert "max: 0.6" in text
    assert load(folder / "chosen.yaml").data.source == str(here)
    assert "report:           " in done.output
    assert (folder / "report.html").exists()
    assert "sweep play export/My-pictures" in done.output
    assert "sweep report My-pictures" not in done.output  # it is written
    assert Path("export/My-pictures/model.safetensors").exists()
    assert run("check", "My-pictures").exit_code == 0
    again = run("run", here, "--local", "--or-resume", *SMALL)
    assert again.exit_code == 0, again.output
    assert "all its 2 trials have ended" in again.output
    other = Asked(str(here), None, (), "runs", None, True, 0.0)
    assert other.is_pictures
    second = run("run", here, "--local", *SMALL, "--set", "search.trials=1")
    assert second.exit_code == 0, second.output
    assert asked_for[1:] == [900]
    assert Path("runs/My-pictures-2/chosen.yaml").exists()
    assert Path("export/My-pictures-2/model.safetensors").exists()


def test_the_spec_alone(here: Path, asked_for: list[float]) -> None:
    written = run("init", here)
    assert written.exit_code == 0, written.output
    assert "max: 60" in written.output
    assert not asked_for
    assert "max: 0.6" in run("init", here, "--time", "1h", "--name", "mine").output
    assert not Path("runs").exists()


def test_a_dry_run_measures_and_writes_nothing(here: Path, asked_for: list[float]) -> None:
    shown = run("run", here, "--dry-run", "--no-measure")
    assert shown.exit_code == 0, shown.output
    assert "My-pictures" in shown.output
    assert not asked_for
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("faces", "faces"),
        ("a b", "a-b"),
        ("Möwen", "M-wen"),
        ("日本", "pictures"),
        ("..x", "x"),
        ("a..b", "pictures"),
    ],
)
def test_names_of_folders_become_names_of_sweeps(folder: str, name: str, tmp_path: Path) -> None:
    assert name_for(tmp_path / folder) == name


def test_in_the_background_it_has_the_name_that_is_looked_for(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both look for one that is free, and the driver's may be taken by then."""
    handed: list[tuple[Any, ...]] = []

    def detach(storage: str, sweep: str, address: str | None, **instead: Any) -> None:
        handed.append((sweep, address, instead))
        raise SystemExit(0)

    monkeypatch.setattr(detaching, "detach", detach)
    for name in ("My-pictures", "My-pictures-2"):
        Path("runs", name).mkdir(parents=True)
        Path("runs", name, "sweep.json").write_text("{}")
    run("run", here, "--detach")
    run("run", here, "--detach", "--or-resume")
    assert handed == [(name, None, {"name": name}) for name in ("My-pictures-3", "My-pictures")]


def test_what_was_fitted_once_is_gone_on_with(
    tmp_path: Path, asked_for: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job system that repeats its command, on a machine that is measured otherwise by now."""
    monkeypatch.chdir(tmp_path)
    Path("small.yaml").write_text(small(train={"epochs": 3}, search={"trials": 1}))
    made: list[str] = []

    def fitted(spec: Spec, limit: float, *_: Any) -> Any:
        made.append(f"train.epochs={len(made) + 1}")
        return SimpleNamespace(spec=parse(spec.to_yaml(), overrides=made[-1:]))

    monkeypatch.setattr(fitting, "fitted", fitted)
    for _ in range(2):
        done = run("run", "small.yaml", "--local", "--time", "20m", "--or-resume")
        assert done.exit_code == 0, done.output
    assert made == ["train.epochs=1"]
    assert "its only trial has ended" in done.output


def test_too_few_pictures_are_told(here: Path) -> None:
    for path in sorted(here.iterdir())[10:]:
        path.unlink()
    (here / "broken.heif.png").write_bytes(b"no picture")
    refused = run("run", here)
    assert refused.exit_code == 2
    assert "has 10 pictures (1 more cannot be used: " in refused.output
    assert "broken.heif.png" in refused.output
    assert ", and a GAN learns from no fewer than 32 that differ" in refused.output
    assert not Path("runs").exists()


def test_copies_are_no_pictures_to_learn_from(here: Path) -> None:
    for number in range(20, 64):
        shutil.copy(here / f"{number % 20}.png", here / f"{number}.png")
    for command in ("init", "run"):
        refused = run(command, here)
        assert refused.exit_code == 2, refused.output
        assert "has 64 pictures, of which 69% equal others or nearly so" in refused.output
        assert "no fewer than 32 that differ" in refused.output
    assert not Path("runs").exists()


def test_where_some_are_copies_no_more_are_measured_than_differ(here: Path) -> None:
    for number in range(40, 64):
        shutil.copy(here / f"{number - 40}.png", here / f"{number}.png")
    spec = parse(run("init", here).stdout)
    assert spec.data.dedupe
    assert spec.evaluate.n_real == 40


def test_a_class_of_copies_is_none(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`data.dedupe` leaves nothing of it."""
    for number in range(64):
        first = here / ("a" if number < 32 else "b")
        first.mkdir(exist_ok=True)
        (here / f"{number}.png").rename(first / f"{number}.png")
    shutil.copytree(here / "a", here / "c")
    monkeypatch.setattr(chosen, "EACH", 30)
    text = run("init", here).stdout
    assert "labels: folders  # 2 classes: a, b\n" in text
    assert parse(text).data.dedupe


def test_classes_are_counted_in_all_of_a_large_folder(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only some of its pictures are looked at; a class of copies of itself is none even so."""
    for number in range(64):
        first = here / ("few" if number < 16 else "many")
        first.mkdir(exist_ok=True)
        (here / f"{number}.png").rename(first / f"{number}.png")
    (here / "same").mkdir()
    for number in range(32):
        shutil.copy(here / "many" / "63.png", here / "same" / f"{number}.png")
    monkeypatch.setattr(seen, "MOST", 60)
    found = seen.look(here, 32, print)
    assert (found.count, found.looked) == (96, 60)
    assert found.folders is not None
    assert {name: found.folders[name] for name in ("few", "many")} == {"few": 16, "many": 48}
    assert found.folders.get("same", 1) <= 2
    (here / "cover.png").write_bytes(b"no picture")
    monkeypatch.setattr(seen, "MOST", 97)
    assert "" not in (seen.look(here, 32, print).folders or {})


def test_a_class_is_one_in_both_forms_of_its_name(here: Path) -> None:
    for number in range(64):
        first = here / ("dogs", "caf\u00e9", "cafe\u0301")[number % 3]
        first.mkdir(exist_ok=True)
        (here / f"{number}.png").rename(first / f"{number}.png")
    shutil.copy(here / "cafe\u0301" / "2.png", here / "caf\u00e9" / "copy.png")
    assert seen.look(here, 32, print).folders == {"dogs": 22, "caf\u00e9": 42}


def test_why_files_cannot_be_used_is_told(here: Path) -> None:
    linked = here.parent / "linked"
    linked.mkdir()
    (linked / "faces").symlink_to(here)
    refused = run("init", linked)
    assert refused.exit_code == 2
    assert "has no pictures (1 cannot be used: " in refused.output
    assert "link to a folder" in refused.output
    looked = run("data", here)
    assert looked.exit_code == 2
    assert f"'sweep init '{here}' > mine.yaml' chooses a spec for pictures there" in looked.output


def test_a_time_and_a_cluster_exclude_each_other(here: Path) -> None:
    refused = run("run", here, "--time", "1h", "--address", "127.0.0.1:1")
    assert refused.exit_code == 2
    assert "--set search.time=2h" in refused.output


def test_a_short_time_is_refused(here: Path) -> None:
    refused = run("run", here, "--time", "5s", "--local")
    assert refused.exit_code == 2
    assert "5s is too short for any sweep" in refused.output
    assert fitting.LEAST > 5


def test_shipped_specs_go_by_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = [name for name, _ in shipped.specs()]
    assert {"quickstart", "compare"} < set(names)
    assert any(name.startswith("studies/") for name in names)
    for name in names:
        assert load(name) == load(f"{name}.yaml")
    shutil.copy(dict(shipped.specs())["quickstart"], "quickstart")
    Path("quickstart").write_text(Path("quickstart").read_text().replace("name: quickstart", "name: mine"))
    assert load("quickstart").name == "mine", "a file goes first"
