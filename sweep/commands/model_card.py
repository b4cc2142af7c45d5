"""The README of an exported generator: a model card as Hugging Face reads it.

https://huggingface.co/docs/hub/model-cards: YAML front matter between two lines of dashes, then Markdown.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from ganlib.config import AVATARS, PictureSource, TrialConfig
from ganlib.data.alpha import RGBA
from ganlib.export.files import ExportConfig
from ganlib.export.programs import TOLERANCE
from ganlib.metrics.identity import Identity
from sweep import formatting
from sweep.records.catalog import Sweep
from sweep.results.by_class import class_kids, value_of

Row = Mapping[str, Any]
LICENCES = {"CC0": "cc0-1.0", "CC BY 4.0": "cc-by-4.0", "MIT": "mit"}
"""What stands in an attribution, and Hugging Face's name for it."""
WHAT = {
    "model.safetensors": "the weights (of the running average, which is what was measured)",
    "config.json": "all that is needed to rebuild the network, and the SHA-256 of every file",
    "model.onnx": "the network for ONNX runtimes, any number of latents at a time",
    "model.pt2": "the network as a `torch.export` archive, any number of latents at a time",
    "mapping.onnx": "latents and truncation to styles",
    "mapping.pt2": "latents and truncation to styles",
    "synthesis.onnx": "styles `(n, layers, latent_dim)`, also mixed ones, to pictures",
    "synthesis.pt2": "styles `(n, layers, latent_dim)`, also mixed ones, to pictures",
    "samples.png": "64 pictures, not chosen",
    "metrics.json": "the evaluation on record, and the one through the exported weights",
}
WHAT_TRANSLATES = WHAT | {
    "model.onnx": "photographs to drawings, for ONNX runtimes",
    "model.pt2": "photographs to drawings, a `torch.export` archive",
    "samples.png": "photographs and what is made of them, not chosen",
    "back.onnx": "drawings to photographs, for ONNX runtimes",
    "back.pt2": "drawings to photographs, a `torch.export` archive",
}
NUMBERS = {
    "kid_back": "KID of photographs made of drawings",
    "cycle_l1": "mean difference of photographs that went there and back, of 1",
    "cycle_ssim": "SSIM of photographs that went there and back",
    "change": "mean difference of drawings from their photographs, as a share of that of unrelated ones",
    "content": "distance of features of drawings from those of their photographs, as a share of that of unrelated ones",
}
"""What is shown of a translator beside the metrics."""


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
        *(_translation(trial, config) if trial.photos else _generation(trial, config)),
        "## Metrics",
        _metrics(numbers, identity),
        *(_of_translators(sweep, numbers) if trial.photos else _by_class(numbers)),
        f"Confidence: {numbers['confidence']}. GAN seeds differ widely; `sweep confirm` trains a configuration again.",
        "## Data and licence",
        _data(sweep, trial),
        *_ancestors(trial),
        "## The configuration",
        f"From {numbers['from']}; seed {row['seed']}; after {numbers['kimg']:g} thousand real pictures.",
        "```yaml\n" + yaml.safe_dump(_configuration(trial), sort_keys=False) + "```",
        "## Files",
        "\n".join(
            f"- `{name}`: {(WHAT_TRANSLATES if trial.photos else WHAT).get(name, 'see its name')}"
            for name in ["config.json", *config.digests]
        ),
        f"Every program was compared with the network on fixed {'photographs' if trial.photos else 'latents'}: pictures"
        f" in [-1, 1] differ by at most {TOLERANCE:g}. " + " ".join(f"{note}." for note in notes),
        "Made with " + ", ".join(f"{name} {version}" for name, version in sweep.info.versions.items()) + ".",
    ]
    return "\n\n".join(section.rstrip() for section in sections) + "\n"


def _front(sweep: Sweep, trial: TrialConfig, numbers: Row, identity: Identity) -> dict[str, Any]:
    metrics = [
        {"type": name, "value": round(numbers[name], 5), "name": identity.label(name), "verified": False}
        for name in ("kid", "fid")
    ]
    task = "image-to-image" if trial.photos else "unconditional-image-generation"
    told = ["class-conditional"] if sweep.info.classes else []
    dataset = {"name": _source(trial.data), "type": "image", "revision": sweep.info.data_hash[:12]}
    return {
        "license": _licence(sweep, trial),
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


def _licence(sweep: Sweep, trial: TrialConfig) -> str:
    """Name the licence of the pictures by Hugging Face's name, where it is known and one for all."""
    sections = [trial.data, *([trial.photos] if trial.photos else [])]
    sources = [
        one
        for section in sections
        for one in ([section.source] if isinstance(section.source, str) else section.source)
    ]
    found = {
        next((name for words, name in LICENCES.items() if words in line), "unknown")
        for line in sweep.info.attribution.splitlines()
    }
    for one in trial.ancestor.line() if trial.ancestor else ():
        found |= {
            next((name for words, name in LICENCES.items() if words in line), "unknown")
            for line in one.attribution.splitlines() or [""]
        }
    return found.pop() if len(found) == 1 and set(sources) == {AVATARS} else "unknown"


def _generation(trial: TrialConfig, config: ExportConfig) -> list[str]:
    """Show pictures of latents, and tell how to make others."""
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
    sections = ["![64 pictures of the generator](samples.png)", *_classes(config), python]
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


def _translation(trial: TrialConfig, config: ExportConfig) -> list[str]:
    """Show pictures that were translated, and tell how to translate others."""
    side, both = trial.data.size, "back.pt2" in config.digests
    rows = ", then drawings, photographs made of them, and drawings made of those" if both else ""
    again = ", and photographs made of those" if both else ""
    way = " and back" if both else ""
    back = "\nphotos = translator.translate(drawings, back=True)" if both else ""
    sections = [
        "![Photographs and the drawings made of them](samples.png)",
        f"It turns photographs into drawings{way}. The rows show photographs, the drawings made of them{again}{rows}.",
        f"It learned from squares of {side} x {side} pixels and takes RGB pictures of any size; results have that "
        f"size. It is at its best where the shorter side is near {side} pixels.",
        "```python\n"
        "from ganlib import load_generator\n\n"
        'translator = load_generator(".")  # this folder\n'
        "drawings = translator.translate(pictures)  # uint8 arrays (n, h, w, 3), or a list of pictures of several sizes"
        f"{back}\n"
        "```",
        "`sweep generate . --input PHOTOS --out DRAWINGS` translates the files of a folder"
        f"{'; with `--back`, drawings' if both else ''}.",
    ]
    if "model.onnx" not in config.digests:
        return sections
    other = ", and `back.onnx` takes `drawings` and gives `photos`" if both else ""
    return [
        *sections,
        f"Without that library: `model.onnx` takes `photos` and gives `drawings`{other}, both float32 (n, 3, h, w) in "
        "[-1, 1]; h and w are multiples of 4, and at least 8:",
        "```python\n"
        "import numpy as np, onnxruntime\n"
        "from PIL import Image\n\n"
        'x = np.asarray(Image.open("photo.jpg").convert("RGB"), np.float32)\n'
        "h, w = x.shape[:2]\n"
        'x = np.pad(x, ((0, -h % 4), (0, -w % 4), (0, 0)), "reflect")\n'
        "x = (x / 127.5 - 1).transpose(2, 0, 1)[None]\n"
        'session = onnxruntime.InferenceSession("model.onnx")\n'
        '(y,) = session.run(["drawings"], {"photos": x})\n'
        "y = (y[0].transpose(1, 2, 0)[:h, :w] * 127.5 + 127.5).round().clip(0, 255).astype(np.uint8)\n"
        'Image.fromarray(y).save("drawing.png")\n'
        "```",
    ]


def _of_translators(sweep: Sweep, numbers: Row) -> list[str]:
    """Tell what photographs score as they are, and what is known of a translator beside FID and KID."""
    baseline = next((one for one in sweep.info.baseline if one.n_fake == numbers["n_fake"]), None)
    lines = [
        f"- {words}: {formatting.number(numbers[name])}"
        for name, words in NUMBERS.items()
        if _known(numbers, name)
    ]
    sections = ["\n".join(lines)] if lines else []
    if baseline is not None:
        kid = formatting.with_error(baseline.kid, baseline.kid_se)
        sections.insert(
            0,
            f"Photographs as they are, untranslated, have KID {kid} and FID {formatting.number(baseline.fid)}.",
        )
    return sections


def _known(numbers: Row, name: str) -> bool:
    return numbers.get(name) is not None


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
    of = f"{info.images:,} pictures of {_source(trial.data)}{_how(trial.data)}"
    if trial.photos is not None:
        of = f"Drawings: {of}. Photographs: {info.photos:,} pictures of {_source(trial.photos)}{_how(trial.photos)}"
    return f"{of} (SHA-256 {info.data_hash}). {known}"


def _ancestors(trial: TrialConfig) -> list[str]:
    """Tell what the weights were before, back to fresh ones, and what pictures they learned from."""
    if trial.ancestor is None:
        return []
    lines = []
    for one in trial.ancestor.line():
        whose = f"{one.where or 'a trial'} of the sweep {one.sweep}" if one.sweep else "a file of weights"
        after = f", after {one.kimg:g} thousand real pictures" if one.kimg is not None else ""
        both = "generator and discriminator" if one.discriminator else "generator"
        of = f" Its pictures have SHA-256 {one.data_hash}." if one.data_hash else ""
        credit = (
            re.sub(r"\s+", " ", one.attribution).strip() or "The licence of its pictures is not on record."
        )
        lines.append(f"- {whose}{after} ({both}; weights' SHA-256 {one.weights}).{of} {credit}")
    return [
        "The weights did not begin fresh, so that they also go back to the pictures of their ancestors, whose licences "
        "count as well. The nearest first:",
        "\n".join(lines),
    ]


def _how(pictures: PictureSource) -> str:
    return f", prepared {pictures.prepared}" if pictures.prepared else ""


def _source(pictures: PictureSource) -> str:
    """Name the pictures, without the folders of somebody's machine."""
    if pictures.source == AVATARS:
        styles = [pictures.style] if isinstance(pictures.style, str) else pictures.style
        return f"DiceBear avatars, {'style' if len(styles) == 1 else 'styles'} {', '.join(styles)}"
    return "a folder of pictures"


def _configuration(trial: TrialConfig) -> dict[str, Any]:
    """Collect the sections that make the generator what it is, without what is not set."""
    plain = trial.model_dump(mode="json", include={"model", "train"})
    if trial.ancestor:  # not the place of a file on somebody's machine
        plain["model"]["init"] = f"weights {trial.ancestor.weights[:12]}"
    return {s: {k: v for k, v in values.items() if v is not None} for s, values in plain.items()}
