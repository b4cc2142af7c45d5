"""Play with the generator in the folder ``model``: the app of a Hugging Face Space (Gradio).

'sweep play EXPORT --space DIR' wrote it, with a copy of the library `ganlib` beside it. Pictures are those of
'sweep generate' for the same seed.
"""

import tempfile
from collections import deque
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from ganlib.export.addressed import LAYERS, Address, Addressed
from ganlib.export.generator import LoadedTranslator, load_generator
from ganlib.export.photographs import sizes_for, translate_bytes
from ganlib.export.programs import has_styles

COUNT = 12
SHOWN = 256
"""Side in pixels of the pictures that are shown, at least: small ones are enlarged by whole factors."""
KEPT = 64
"""Files of walks that stay on the disk: Gradio takes a copy of each."""
ALL = "all, as in the data"

generator = load_generator(Path(__file__).parent / "model")
config = generator.config
title = f"{config.model.family}, {config.size} x {config.size}"


def enlarged(picture: np.ndarray) -> np.ndarray:
    """Repeat the pixels of a picture, so that they stay sharp."""
    factor = max(1, SHOWN // config.size)
    larger = picture.repeat(factor, 0).repeat(factor, 1)
    return larger[..., 0] if larger.shape[2] == 1 else larger


def latents_page(made: Addressed) -> None:
    """Lay out pictures of a seed, a walk between two of them, and their mixed styles."""
    walks: deque[Path] = deque()
    styles, classes = has_styles(generator.network), list(generator.classes)

    def number_of(name: str) -> int | None:
        return classes.index(name) if name in classes else None

    def pictures(seed: float | None, truncation: float, name: str) -> list[tuple[np.ndarray, str]]:
        places = [Address(int(seed or 0), number, number_of(name)) for number in range(COUNT)]
        return [(enlarged(made.picture(place, truncation)), f"no. {place.number}") for place in places]

    def pair(seed: float | None, first: float | None, second: float | None, name: str) -> list[Address]:
        return [Address(int(seed or 0), int(number or 0), number_of(name)) for number in (first, second)]

    def walk(
        seed: float | None, truncation: float, name: str, first: float | None, second: float | None
    ) -> str:
        with tempfile.NamedTemporaryFile(suffix=".gif", delete=False) as file:
            file.write(made.gif(pair(seed, first, second, name), truncation))
        walks.append(Path(file.name))
        if len(walks) > KEPT:
            walks.popleft().unlink(missing_ok=True)
        return file.name

    def mixes(
        seed: float, truncation: float, name: str, first: float | None, second: float | None
    ) -> list[tuple[np.ndarray, str]]:
        one, other = pair(seed, first, second, name)
        return [
            (enlarged(made.mixed(one, other, layers, "forth", truncation)), f"{layers} layers")
            for layers in LAYERS
        ]

    with gr.Row():
        seed = gr.Number(0, label="Seed", precision=0, minimum=0, maximum=2**53 - 1)
        truncation = gr.Slider(
            0, 1.5, 1.0, step=0.05, label="Truncation: below 1 more typical", visible=styles
        )
        name = gr.Dropdown([ALL, *classes], value=ALL, label="Class", visible=bool(classes))
        draw = gr.Button("New pictures", variant="primary")
    chosen = [seed, truncation, name]
    gallery = gr.Gallery(label=f"The first {COUNT} pictures of the seed", columns=6, format="png")
    draw.click(lambda: int(np.random.default_rng().integers(1_000_000)), None, seed, show_progress="hidden")
    gr.on([seed.change, truncation.release, name.change], pictures, chosen, gallery)
    with gr.Row():
        first = gr.Number(0, label="From picture no.", precision=0, minimum=0, maximum=COUNT - 1)
        second = gr.Number(1, label="to picture no.", precision=0, minimum=0, maximum=COUNT - 1)
        go = gr.Button("Walk there and back")
        mix = gr.Button("Mix: layers of the first in the second", visible=styles)
    moving = gr.Image(label="The walk", type="filepath", format="gif")
    go.click(walk, [*chosen, first, second], moving)
    mixed = gr.Gallery(label="Mixed styles", columns=3, format="png", visible=styles)
    mix.click(mixes, [*chosen, first, second], mixed)
    page.load(pictures, chosen, gallery)


def translator_page(translator: LoadedTranslator) -> None:
    """Lay out a place for a photograph and its drawing."""
    both = translator.network.back is not None

    def translate(file: str | None, side: int, back: bool) -> np.ndarray | None:
        if file is None:
            return None
        try:
            path = Path(file)
            return translate_bytes(translator, path.read_bytes(), path.suffix.lower(), back, side)
        except Exception as error:
            raise gr.Error(str(error)) from error

    with gr.Row():
        sides = sizes_for(config.size)
        side = gr.Dropdown(
            sides, value=sides[0], label="Shorter side in pixels; the first is that of training"
        )
        back = gr.Checkbox(label="Turn a drawing into a photograph", visible=both)
    with gr.Row():
        given = gr.Image(label="Yours", type="filepath", format="png", image_mode=None)
        drawn = gr.Image(label="Translated", format="png", image_mode=None)
    inputs: list[Any] = [given, side, back]
    gr.on([given.change, side.change, back.change], translate, inputs, drawn)


with gr.Blocks(title=title) as page:
    sweep = config.about.get("sweep")
    gr.Markdown(f"# {title}" + (f"\nA generator of the sweep *{sweep}*." if sweep else ""))
    if isinstance(generator, LoadedTranslator):
        translator_page(generator)
    else:
        latents_page(Addressed(generator))

if __name__ == "__main__":
    page.launch()
