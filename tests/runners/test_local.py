"""A whole sweep through the local runner: records, resume, export, and a second run that gives the same numbers."""

import hashlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from click.testing import CliRunner
from helpers.programs.sweep_process import Results, SweepProcess
from helpers.sweeps.commands import RATE, fine, small

from ganlib.errors import RequestError
from ganlib.export.programs import TOLERANCE
from sweep.cli import cli
from sweep.records import retention
from sweep.records.datasets import Store
from sweep.runners.local import LocalRunner
from sweep.spec.sections import ResourcesConfig
from sweep.storage import layout
from sweep.storage.opening import open_folder

SPEC = small(
    train={"lr_d": RATE, "augment_p": 0.3},
    search={"trials": 5},
    asha={"grace": 1, "reduction": 2, "max": 4},
)
TIMES = {"seconds", "seconds_per_kimg", "seconds_train", "seconds_eval", "started", "ended", "time"}


def records(folder: Path, *datasets: str) -> dict[str, list[dict]]:
    store = Store(open_folder(folder))
    return {
        name: [{k: v for k, v in row.items() if k not in TIMES} for row in store.rows(name)]
        for name in datasets or ("trials", "metrics", "results", "rungs", "samples")
    }


@pytest.fixture(scope="module", autouse=True)
def one_cache(cache: Path) -> Iterator[None]:
    """Sweeps of this process and of others compute in the same ways: those of convolutions lie in the cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEEP_CACHE", str(cache))
        yield


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("local")
    (root / "spec.yaml").write_text(SPEC)
    fine("run", str(root / "spec.yaml"), "--local", "--storage", str(root / "runs"))
    return root / "runs" / "small"


def test_the_folder_holds_what_the_design_says(finished: Path) -> None:
    names = {path.name for path in finished.iterdir()}
    assert {
        "spec.yaml",
        "sweep.json",
        "study.db",
        "trials",
        "metrics",
        "results",
        "samples",
        "rungs",
        "images",
    } <= names
    assert "lease.json" not in names
    rows = records(finished)
    assert [row["trial"] for row in rows["trials"]] == list(range(5))
    assert {row["status"] for row in rows["trials"]} <= {"finished", "stopped", "collapsed"}
    further = 0
    for row in rows["trials"]:
        kimgs = [r["kimg"] for r in rows["metrics"] if r["trial"] == row["trial"]]
        assert kimgs == sorted(set(kimgs))
        assert kimgs[-1] == row["kimg"]
        # The generator that was measured is kept with its discriminator, and what a trial needs to go on from a rung.
        kept = {path.name for path in (finished / "checkpoints" / f"{row['trial']:05d}").glob("*")}
        goes_on = {name for name in kept if name.endswith((".ckpt", "-history.json"))}
        further += bool(goes_on)
        assert not goes_on or row["status"] == "stopped"
        kimg = row["result_kimg"]
        both = {layout.snapshot_name(kimg), layout.discriminator_name(kimg)} if kimg is not None else set()
        assert kept - goes_on == (both if row["status"] != "collapsed" else set())
        assert (finished / "ledger" / f"{row['trial']:05d}.json").is_file()
    assert further <= retention.FURTHER
    for row in rows["samples"]:
        assert (finished / row["path"]).is_file()
    for row in rows["metrics"]:
        assert row["extractor"] == "efficientnet_lite0@64"
        assert len(row["extractor_digest"]) == 64
        assert (row["n_real"], row["n_fake"]) == (48, 32)
    results = {row["trial"]: row for row in rows["results"]}
    for row in rows["trials"]:
        values = {
            r["kimg"]: r["kid"] for r in rows["metrics"] if r["trial"] == row["trial"] and not r["verdict"]
        }
        assert (row["trial"] in results) == bool(values)
        if values:
            result = results[row["trial"]]
            assert row["best_value"] == result["seen"] == min(values.values()) == values[result["kimg"]]
            assert (result["kimg"], result["kid"]) == (row["result_kimg"], row["result"])
            assert result["problem"] is None
            assert result["n_fake"] == 32
            # Other latents than those that it was chosen on.
            assert result["kid"] != result["seen"]
            assert abs(result["kid"] - result["seen"]) < 5 * result["kid_se"]


def test_stopped_trials_are_pruned_with_their_result_at_their_rung(finished: Path) -> None:
    import optuna

    study = optuna.load_study(study_name="small", storage=f"sqlite:///{finished}/study.db")
    rows = {row["trial"]: row for row in records(finished)["trials"]}
    rungs = records(finished)["rungs"]
    assert len(study.trials) == len(rows)
    for trial in study.trials:
        row = rows[trial.number]
        assert trial.params == pytest.approx(json.loads(row["params"]))
        if row["status"] == "finished":
            assert trial.state.name == "COMPLETE"
            assert trial.value == pytest.approx(row["result"])
        if row["status"] == "stopped":
            stopped_by = next(r for r in rungs if r["trial"] == trial.number and r["stopped"])
            assert trial.state.name == "PRUNED"
            assert trial.value == pytest.approx(row["result"])
            assert max(trial.intermediate_values) == round(1000 * stopped_by["rung_kimg"])
        if row["status"] == "collapsed":
            assert trial.state.name == "PRUNED"
            assert trial.value is None
            assert not trial.intermediate_values
    assert any(row["status"] == "stopped" for row in rows.values())


def test_the_same_spec_gives_the_same_numbers(finished: Path, tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC)
    fine("run", str(tmp_path / "spec.yaml"), "--local", "--storage", str(tmp_path))
    datasets = ("metrics", "results", "rungs")
    assert records(tmp_path / "small", *datasets) == records(finished, *datasets)


def test_everything_reads_it(finished: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    count = len(records(finished)["metrics"])
    assert duckdb.sql(f"SELECT count(*) FROM '{finished}/metrics/*.parquet'").fetchall() == [(count,)]
    assert duckdb.sql(
        f"SELECT count(\"param.train.lr_g\") FROM '{finished}/trials/*.parquet'"
    ).fetchall() == [(5,)]


def test_looking_and_exporting(finished: Path, tmp_path: Path) -> None:
    storage = ["--storage", str(finished.parent)]
    ranking = json.loads(fine("best", "--json", *storage))
    fine("best", "--export", str(tmp_path / "export"), *storage)
    fine("report", *storage)
    fine("show", *storage)
    assert (finished / "report.html").stat().st_size > 100_000
    assert (finished / "comparison.png").is_file()
    program = (
        "import sys; from ganlib import load_generator\n"
        f"g = load_generator({str(tmp_path / 'export')!r}); print(g.sample(3, seed=7).shape)\n"
        "assert not {'sweep', 'ray', 'optuna'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(3, 32, 32, 3)"
    metrics = json.loads((tmp_path / "export" / "metrics.json").read_text())
    able = {row["trial"] for row in records(finished)["trials"] if row["status"] != "collapsed"}
    results = [row for row in records(finished)["results"] if row["trial"] in able]
    best = min(results, key=lambda row: row["kid"])
    assert metrics["kid"] == best["kid"]
    assert metrics["kind"] == "result"
    assert metrics["confidence"] == "one seed"
    assert ranking["ranked"][0]["trial"] == best["trial"]
    assert not ranking["provisional"]
    assert metrics["from"] == f"trial {best['trial']}"
    # The measurement through the exported file is that of the trial's result.
    assert metrics["measured_again"]["kid"] == pytest.approx(best["kid"], abs=3 * best["kid_se"])
    check_files(tmp_path / "export")


def check_files(export: Path) -> None:
    """Every file is there with its digest, and every program makes the loaded generator's pictures."""
    onnxruntime = pytest.importorskip("onnxruntime")
    from ganlib import load_generator

    generator = load_generator(export)
    digests = generator.config.digests
    files = {"model.safetensors", "model.pt2", "model.onnx", "samples.png", "metrics.json"}
    assert set(digests) == files
    assert {path.name for path in export.iterdir()} == files | {"config.json", "README.md"}
    for name, digest in digests.items():
        assert hashlib.sha256((export / name).read_bytes()).hexdigest() == digest
    # In float32 by other code: what an export promises is all that can be said on any processor.
    session = onnxruntime.InferenceSession(str(export / "model.onnx"), providers=["CPUExecutionProvider"])
    archive = torch.export.load(export / "model.pt2").module()
    for count in (1, 3, 70):
        latents = generator.latents(count, seed=5)
        direct = generator.network(latents).numpy()
        (pictures,) = session.run(["pictures"], {"latents": latents.numpy()})
        assert pictures.shape == (count, 3, 32, 32)
        assert np.abs(pictures - direct).max() <= TOLERANCE
        assert np.abs(archive(latents).numpy() - direct).max() <= TOLERANCE
    check_card((export / "README.md").read_text())


def check_card(text: str) -> None:
    """The model card has the front matter that Hugging Face reads, and what a person needs."""
    _, front, body = text.split("---\n", 2)
    facts = yaml.safe_load(front)
    assert facts["license"] == "cc-by-4.0"
    assert facts["pipeline_tag"] == "unconditional-image-generation"
    metric = facts["model-index"][0]["results"][0]["metrics"][0]
    assert metric["type"] == "kid"
    assert metric["name"] == "KID (efficientnet_lite0@64, n=32)"
    for words in ("load_generator", "Lisa Wischofsky", "lr_g:", "one seed", "extractor_digest", "model.onnx"):
        assert words in body


def test_resume_says_when_there_is_nothing_to_do(finished: Path) -> None:
    output = fine("resume", "small", "--local", "--storage", str(finished.parent))
    assert "has finished" in output


def test_a_process_asks_the_folder_of_its_sweep_no_longer(tmp_path: Path) -> None:
    from ganlib.models import choice
    from sweep.worker.shared import settle

    class Broken:
        def next(self) -> None:
            settle(1, open_folder(tmp_path))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        LocalRunner(ResourcesConfig()).run(Broken(), lambda: None)
    assert choice._shared is None


@pytest.mark.slow
def test_ctrl_c_then_resume_equals_the_uninterrupted_run(finished: Path, cache: Path, tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC)
    options = ["--local", "--storage", str(tmp_path)]
    results = Results(tmp_path, "small")
    with SweepProcess("run", tmp_path / "spec.yaml", *options, cache=cache, log=tmp_path / "log") as process:
        process.until("an evaluation", results.evaluations)
        process.signal(signal.SIGINT)
        assert process.wait() == 1
    before = records(tmp_path / "small")
    assert before["metrics"]
    fine("resume", *options)
    after = records(tmp_path / "small", "metrics", "results", "rungs")
    whole = records(finished, "metrics", "results", "rungs")
    for rows in (*after.values(), *whole.values()):
        for row in rows:
            row.pop("attempt")
    assert after == whole


def test_an_exception_in_a_step_surfaces_as_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ganlib.steps.adversarial import AdversarialStep

    def broken(self: AdversarialStep, batches: object) -> None:
        raise ZeroDivisionError("in the step")

    monkeypatch.setattr(AdversarialStep, "__call__", broken)
    (tmp_path / "spec.yaml").write_text(SPEC)
    arguments = ["run", str(tmp_path / "spec.yaml"), "--local", "--storage", str(tmp_path)]
    result = CliRunner().invoke(cli, arguments)
    assert isinstance(result.exception, ZeroDivisionError)
    (row,) = records(tmp_path / "small", "trials")["trials"]
    assert row["status"] == "failed"
    assert "in the step" in row["failure"]


def test_a_row_of_an_older_attempt_is_refused(finished: Path) -> None:
    assert Store(open_folder(finished)).add("metrics", {"trial": 0, "attempt": -1, "kimg": 99.0}) is False


def test_the_lease_refuses_a_second_driver(tmp_path: Path) -> None:
    from sweep.storage.lease import Owner
    from sweep.storage.tenant import Tenant

    folder = open_folder(tmp_path)
    with Owner(folder) as owner:
        with pytest.raises(RequestError, match="another process runs this sweep"), Owner(folder):
            pass
        tenant = Tenant(folder, owner.lease.owner)
        tenant._next = 0.0
        assert not tenant()
        owner.stop()
        tenant._next = 0.0
        assert tenant()
    with Owner(folder) as second:
        assert second.taken_over is None
