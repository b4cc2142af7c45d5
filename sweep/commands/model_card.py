"""The README of an exported generator: a model card as Hugging Face reads it.

https://huggingface.co/docs/hub/model-cards: YAML front matter between two lines of dashes, then Markdown.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from ganlib.config import TrialConfig
from ganlib.data.alpha import RGBA
from ganlib.export.generator import ExportConfig
from ganlib.export.programs import TOLERANCE
from ganlib.metrics.identity import Identity
from sweep import formatting
from sweep.records.catalog import Sweep

Row = Mapping[str, Any]
LICENCES = {"CC0": "cc0-1.0", "CC BY 4.0": "cc-by-4.0", "MIT": "mit"}
"""What stands in an attribution, and Hugging Face's name for it."""
WHAT = {
    "model.safetensors": "the weights (of the running average, which is what was measured)",
    "config.json": "all that is needed to rebuild the network, and the SHA-256 of every file",
    "model.onnx": "the network for ONNX runtimes, any number of latents at a time",
    "model.pt2": "the network as a `torch.export` archive, likewise",
    "mapping.onnx": "latents and truncation to styles",
    "mapping.pt2": "likewise",
    "synthesis.onnx": "styles `(n, layers, latent_dim)`, also mixed ones, to pictures",
    "synthesis.pt2": "likewise",
    "samples.png": "64 pictures, not chosen",
    "metrics.json": "the evaluation on record, and the one through the exported weights",
}


def card(
    sweep: Sweep, trial: TrialConfig, row: Row, numbers: Row, config: ExportConfig, notes: Sequence[str]
) -> str:
    """Write the text of a generator's card.

    Args:
        sweep: Where the generator comes from.
        trial: Its configuration.
        row: Of ``trials``.
        numbers: What ``metrics.json`` holds.
        config: What ``config.json`` holds.
        notes: What could not be done.
    """
    identity = Identity(
        **{name: numbers[name] for name in Identity.__dataclass_fields__ if numbers.get(name)}
    )
    front = yaml.safe_dump(_front(sweep, trial, numbers, identity), sort_keys=False, allow_unicode=True)
    sections = [
        f"---\n{front}---",
        f"# {trial.model.family}, {trial.data.size} x {trial.data.size}: of the sweep {sweep.name}",
        "![64 pictures of the generator](samples.png)",
        _load(trial, config),
        "## Metrics",
        _metrics(numbers, identity),
        f"Confidence: {numbers['confidence']}. GAN seeds differ widely; `sweep confirm` trains a configuration again.",
        "## Data and licence",
        _data(sweep, trial),
        "## The configuration",
        f"From {numbers['from']}; seed {row['seed']}; after {numbers['kimg']:g} thousand real pictures.",
        "```yaml\n" + yaml.safe_dump(_configuration(trial), sort_keys=False) + "```",
        "## Files",
        "\n".join(
            f"- `{name}`: {WHAT.get(name, 'see its name')}" for name in ["config.json", *config.digests]
        ),
        f"Every program was compared with the network on fixed latents: pictures in [-1, 1] differ by at most "
        f"{TOLERANCE:g}. " + " ".join(f"{note}." for note in notes),
        "Made with " + ", ".join(f"{name} {version}" for name, version in sweep.info.versions.items()) + ".",
    ]
    return "\n\n".join(section.rstrip() for section in sections) + "\n"


def _front(sweep: Sweep, trial: TrialConfig, numbers: Row, identity: Identity) -> dict[str, Any]:
    attribution = sweep.info.attribution
    licence = next((name for words, name in LICENCES.items() if words in attribution), "unknown")
    metrics = [
        {"type": name, "value": round(numbers[name], 5), "name": identity.label(name), "verified": False}
        for name in ("kid", "fid")
    ]
    task = {"type": "unconditional-image-generation"}
    dataset = {"name": _source(trial), "type": "image", "revision": sweep.info.data_hash[:12]}
    return {
        "license": licence,
        "library_name": "sweep-gan",
        "pipeline_tag": "unconditional-image-generation",
        "tags": ["gan", trial.model.family, f"loss:{trial.train.loss}"],
        "model-index": [
            {"name": sweep.name, "results": [{"task": task, "dataset": dataset, "metrics": metrics}]}
        ],
    }


def _load(trial: TrialConfig, config: ExportConfig) -> str:
    side, channels = trial.data.size, trial.data.channels
    python = (
        "```python\n"
        "from ganlib import load_generator\n\n"
        'generator = load_generator(".")  # this folder\n'
        f"pictures = generator.sample(64, seed=7)  # uint8 array (64, {side}, {side}, {channels})\n"
        "```"
    )
    if channels == RGBA:
        python += (
            "\n\nThe pictures are RGBA, as a PNG has them: `PIL.Image.fromarray(pictures[0])`. What the network and "
            "its programs give, in [-1, 1], has its colour multiplied by alpha: with `p = (x + 1) / 2` the colour is "
            "`p[:3] / p[3]`, and on a ground it is `p[:3] + (1 - p[3]) * ground`. The pictures above and the metrics "
            "are of pictures on grey checks."
        )
    if "model.onnx" not in config.digests:
        return python
    styles = ", `truncation` (a float32 scalar)" if "mapping.onnx" in config.digests else ""
    onnx = (
        f"Without that library: `model.onnx` takes `latents` (float32, (n, {trial.model.latent_dim}), standard "
        f"normal){styles} and gives `pictures` (float32, (n, {channels}, {side}, {side}), in [-1, 1])."
    )
    return f"{python}\n\n{onnx}"


def _metrics(numbers: Row, identity: Identity) -> str:
    again = numbers["measured_again"] or {}
    kind = "result" if numbers["kind"] == "result" else "best so far"
    lines = [f"| metric | {kind} | through the exported weights |", "|---|---|---|"]
    for name in ("kid", "fid"):
        shown = [
            formatting.with_error(row.get(name), row.get("kid_se") if name == "kid" else None)
            + _pictures(row, numbers)
            for row in (numbers, again)
        ]
        lines.append(f"| {identity.label(name)} | {shown[0]} | {shown[1]} |")
    told = ", ".join(f"{name} {value}" for name, value in vars(identity).items() if value not in ("", None))
    return (
        "\n".join(lines) + f"\n\nSmaller is better. Numbers with another identity cannot be compared: {told}."
    )


def _pictures(row: Row, numbers: Row) -> str:
    """Say on how many pictures a number was measured, where the metric's name says another."""
    count = row.get("n_fake")
    return f" (n={count})" if count is not None and count != numbers["n_fake"] else ""


def _data(sweep: Sweep, trial: TrialConfig) -> str:
    info = sweep.info
    credit = re.sub(r"\s+", " ", info.attribution).strip()
    known = credit or "The licence of the pictures is not on record: ask whoever they belong to."
    how = f", prepared {trial.data.prepared}" if trial.data.prepared else ""
    return f"{info.images:,} pictures of {_source(trial)}{how} (SHA-256 {info.data_hash}). {known}"


def _source(trial: TrialConfig) -> str:
    """Name the pictures, without the folders of somebody's machine."""
    data = trial.data
    return f"DiceBear avatars, style {data.style}" if data.source == "avatars" else "a folder of pictures"


def _configuration(trial: TrialConfig) -> dict[str, Any]:
    """Collect the sections that make the generator what it is, without what is not set."""
    plain = trial.model_dump(mode="json", include={"model", "train"})
    return {s: {k: v for k, v in values.items() if v is not None} for s, values in plain.items()}
