"""Say in a model card what is said of translators alone."""

from collections.abc import Mapping
from typing import Any

from ganlib.config import TrialConfig
from ganlib.export.files import ExportConfig
from sweep import formatting
from sweep.records.catalog import Sweep

Row = Mapping[str, Any]
FILES = {
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


def translation(trial: TrialConfig, config: ExportConfig) -> list[str]:
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
        f"{'; with `--back`, drawings' if both else ''}. `sweep play .` opens a page onto which they are dropped.",
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


def numbers_of(sweep: Sweep, numbers: Row) -> list[str]:
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
