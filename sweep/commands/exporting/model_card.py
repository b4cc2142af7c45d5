"""The README of an exported generator: a model card as Hugging Face reads it.

https://huggingface.co/docs/hub/model-cards: YAML front matter between two lines of dashes, then Markdown.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from ganlib.config import TrialConfig
from ganlib.data.alpha import RGBA
from ganlib.export.files import ExportConfig
from ganlib.export.programs import TOLERANCE
from ganlib.metrics.identity import Identity
from ganlib.names import METRICS
from sweep import formatting
from sweep.commands.exporting import translators
from sweep.commands.exporting.origins import ancestors, licence, source_of, told_of
from sweep.records.catalog import Sweep
from sweep.records.snapshots import error_in, finite
from sweep.results.by_class import class_kids, value_of

Row = Mapping[str, Any]
WHAT = {
    "model.safetensors": "the weights (of the running average, which is what was measured)",
    "config.json": "all that is needed to rebuild the network, and the SHA-256 of every file",
    "model.onnx": "the network for ONNX runtimes, any number of latents at a time",
    "model.pt2": "the network as a `torch.export` archive, any number of latents at a time",
    "mapping.onnx": "latents and truncation to styles",
    "mapping.pt2": "latents and truncation to styles",
    "synthesis.onnx": "styles `(n, layers, latent_dim)`, also mixed ones, to pictures",
    "synthesis.pt2": "styles `(n, layers, latent_dim)`, also mixed ones, to pictures",
    "metrics.json": "the evaluation on record, and the one through the exported weights",
}


def card(
    sweep: Sweep,
    trial: TrialConfig,
    row: Row,
    numbers: Row,
    config: ExportConfig,
    notes: Sequence[str],
    pictures: int,
) -> str:
    """Write the text of a generator's card.

    Args:
        sweep: Where the generator comes from.
        trial: Its configuration.
        row: Of ``trials``.
        numbers: What ``metrics.json`` holds.
        config: What ``config.json`` holds.
        notes: What could not be done.
        pictures: How many ``samples.png`` shows.
    """
    identity = Identity(
        **{name: numbers[name] for name in Identity.__dataclass_fields__ if numbers.get(name)}
    )
    samples = f"{pictures} pictures, not chosen"
    files = WHAT | {"samples.png": samples} | (translators.FILES if trial.photos else {})
    front = yaml.safe_dump(_front(sweep, trial, numbers, identity), sort_keys=False, allow_unicode=True)
    sections = [
        f"---\n{front}---",
        f"# {trial.model.family}, {trial.data.size} x {trial.data.size}: of the sweep {sweep.name}",
        *(translators.translation(trial, config) if trial.photos else _generation(trial, config, pictures)),
        "## Metrics",
        _metrics(numbers, identity),
        *(translators.numbers_of(sweep, numbers) if trial.photos else _by_class(numbers)),
        f"Confidence: {numbers['confidence']}. GAN seeds differ widely; `sweep confirm` trains a configuration again.",
        "## Data and licence",
        told_of(sweep, trial),
        *ancestors(trial),
        "## The configuration",
        f"From {numbers['from']}; seed {row['seed']}; after {numbers['kimg']:g} thousand real pictures.",
        "```yaml\n" + yaml.safe_dump(_configuration(trial), sort_keys=False) + "```",
        "## Files",
        "\n".join(
            f"- `{name}`: {files.get(name, 'see its name')}" for name in ["config.json", *config.digests]
        ),
        f"Every program was compared with the network on fixed {'photographs' if trial.photos else 'latents'}: pictures"
        f" in [-1, 1] differ by at most {TOLERANCE:g}. " + " ".join(f"{note}." for note in notes),
        "Made with " + ", ".join(f"{name} {version}" for name, version in sweep.info.versions.items()) + ".",
    ]
    return "\n\n".join(section.rstrip() for section in sections) + "\n"


def _front(sweep: Sweep, trial: TrialConfig, numbers: Row, identity: Identity) -> dict[str, Any]:
    metrics = [
        {"type": name, "value": round(numbers[name], 5), "name": identity.label(name), "verified": False}
        for name in METRICS
        if finite(numbers.get(name)) is not None
    ]
    task = "image-to-image" if trial.photos else "unconditional-image-generation"
    told = ["class-conditional"] if sweep.info.classes else []
    dataset = {"name": source_of(trial.data), "type": "image", "revision": sweep.info.data_hash[:12]}
    return {
        "license": licence(sweep, trial),
        "library_name": "sweep-gan",
        "pipeline_tag": task,
        "tags": [
            *("gan", trial.model.family, f"loss:{trial.train.loss}"),
            *told,
            *(["transfer-learning"] if trial.ancestor else []),
        ],
        "model-index": [
            {
                "name": sweep.name,
                "results": [{"task": {"type": task}, "dataset": dataset, "metrics": metrics}],
            }
        ],
    }


def _generation(trial: TrialConfig, config: ExportConfig, pictures: int) -> list[str]:
    """Show pictures of latents, and tell how to make others."""
    side, channels = trial.data.size, trial.data.channels
    python = (
        "```python\n"
        "from ganlib import load_generator\n\n"
        'generator = load_generator(".")  # this folder\n'
        f"pictures = generator.sample(64, seed=7)  # uint8 array (64, {side}, {side}, {channels})\n"
        "```\n\n"
        "`sweep play .` in this folder opens a page with new pictures, and walks between them."
    )
    if channels == RGBA:
        python += (
            "\n\nThe pictures are RGBA, as a PNG has them: `PIL.Image.fromarray(pictures[0])`. What the network and "
            "its programs give, in [-1, 1], has its colour multiplied by alpha: with `p = (x + 1) / 2` the colour is "
            "`p[:3] / p[3]`, and on a ground it is `p[:3] + (1 - p[3]) * ground`. The pictures above and the metrics "
            "are of pictures on grey checks."
        )
    sections = [f"![{pictures} pictures of the generator](samples.png)", *_classes(config), python]
    if "model.onnx" not in config.digests:
        return sections
    told = ", `classes` (int64, (n,), numbers from 0 on in the order above)" if config.classes else ""
    styles = told + (", `truncation` (a float32 scalar)" if "mapping.onnx" in config.digests else "")
    onnx = (
        f"Without that library: `model.onnx` takes `latents` (float32, (n, {trial.model.latent_dim}), standard "
        f"normal){styles} and gives `pictures` (float32, (n, {channels}, {side}, {side}), in [-1, 1])."
    )
    return [*sections, onnx]


def _classes(config: ExportConfig) -> list[str]:
    """List the classes that a generator can be told, and say how; empty without labels."""
    if not config.classes:
        return []
    names = ", ".join(
        f"{number} {name} ({count:,})" for number, (name, count) in enumerate(config.classes.items())
    )
    first = next(iter(config.classes))
    return [
        f"It is told classes; in order, with the numbers of pictures that it learned them from: {names}. A row of the "
        "pictures above is of one class.",
        f"`generator.sample(64, classes={first!r})` makes pictures of one, `generator(latents, classes)` of a name or "
        "number for each latent; by default classes come as often as in the data. `sweep generate . --class NAME` "
        "writes them.",
    ]


def _by_class(numbers: Row) -> list[str]:
    """Tabulate KID of each class by itself; empty where none was measured."""
    rows = class_kids(numbers)
    if not rows:
        return []
    lines = ["| class | KID | real | generated |", "|---|---|--:|--:|"]
    lines += [f"| {one.name} | {value_of(one)} | {one.n_real} | {one.n_fake} |" for one in rows]
    return ["\n".join(lines)]


def _metrics(numbers: Row, identity: Identity) -> str:
    again = numbers["measured_again"] or {}
    kind = "result" if numbers["kind"] == "result" else "best so far"
    lines = [f"| metric | {kind} | through the exported weights |", "|---|---|---|"]
    for name in METRICS:
        if finite(numbers.get(name)) is None:
            continue
        shown = [
            formatting.with_error(row.get(name), error_in(row, name)) + _pictures(row, numbers)
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


def _configuration(trial: TrialConfig) -> dict[str, Any]:
    """Collect the sections that make the generator what it is, without what is not set."""
    plain = trial.model_dump(mode="json", include={"model", "train"})
    if trial.ancestor:  # not the place of a file on somebody's machine
        plain["model"]["init"] = f"weights {trial.ancestor.weights[:12]}"
    return {s: {k: v for k, v in values.items() if v is not None} for s, values in plain.items()}
