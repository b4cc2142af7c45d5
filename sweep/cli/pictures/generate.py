"""``sweep generate EXPORT``: pictures of an exported generator, made of latents or of pictures."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from ganlib.errors import RequestError, WorkError
from sweep.cli.options import Finite
from sweep.cli.pictures.data import bar
from sweep.commands.generating import translations
from sweep.commands.generating.latents import Wanted, check, make

if TYPE_CHECKING:
    from ganlib.export.generator import LoadedTranslator
    from ganlib.models.styles.generator import Layers

LAYERS = ("coarse", "middle", "fine")
SHEET, FOLDER = "generated.png", "generated"
"""Where pictures are written by default."""
OF_LATENTS = ("count", "seed", "interpolate", "truncation", "mix", "class_")
OF_TRANSLATIONS = ("back", "size")


@click.command(name="generate")
@click.argument("export", type=click.Path(path_type=Path))
@click.option(
    "--count", type=click.IntRange(min=1, max=100_000), help="How many [default: 64; walks 4, --mix 6]."
)
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Of the latents."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help=f"A .png sheet, a folder for single PNGs, or with --interpolate a .gif or .mp4 [default: {SHEET}]; with "
    f"--input a folder [default: {FOLDER}].",
)
@click.option(
    "--interpolate",
    type=click.IntRange(min=2, max=1000),
    metavar="K",
    help="Walk through K latents: a moving picture, or in a .png one row a walk.",
)
@click.option(
    "--truncation",
    type=Finite(0, 2),
    default=1.0,
    show_default=True,
    help="Of styles: below 1 more typical.",
)
@click.option(
    "--mix", type=click.Choice(LAYERS), help="Mix styles: rows give these layers, columns the rest."
)
@click.option(
    "--class",
    "class_",
    metavar="NAME",
    help="The class of the pictures, where the generator was trained with labels  [default: as in the data].",
)
@click.option(
    "--input",
    "source",
    type=click.Path(path_type=Path),
    help="Pictures to translate: a folder, read at any depth, or a file.",
)
@click.option("--back", is_flag=True, help="With --input: turn drawings into photographs.")
@click.option(
    "--size",
    type=click.IntRange(min=8, max=8192),
    metavar="PIXELS",
    help="With --input: scale pictures to this shorter side first.",
)
@click.pass_context
def command(
    context: click.Context,
    export: Path,
    count: int | None,
    seed: int,
    out: Path | None,
    interpolate: int | None,
    truncation: float,
    mix: "Layers | None",
    class_: str | None,
    source: Path | None,
    back: bool,
    size: int | None,
) -> None:
    """Make pictures with the generator in the folder EXPORT, which 'sweep best --export' wrote.

    The same seed gives the same pictures, and fewer of them are the first of more. Those with transparency
    are written with it; in moving pictures they are laid on grey checks. --truncation and --mix are for generators
    with styles (StyleGAN).

    A generator that was trained with labels makes pictures of its classes as often as the data has them, or of one
    --class; a walk stays within a class. Without --class and --count, a .png sheet has a row for each class.

    Generators that translate (CycleGAN, CartoonGAN) turn the pictures of --input into drawings, and with --back
    drawings into photographs. Each is written into the folder --out as a PNG of its name and size, upright and
    with its transparency; a.jpg beside a.png gives a.jpg.png and a.png.png. Pictures that an earlier call wrote there
    are replaced, and no other file. They look best near the size of training: --size scales them.
    """
    _check_together(context, source)
    out = out or Path(SHEET if source is None else FOLDER)
    wanted = Wanted(out, count, seed, truncation, class_, interpolate, mix)
    if source is None:
        check(wanted)
    else:
        translations.check_folder(out)
    from sweep.mistaken import instead_of_export

    if (instead := instead_of_export(export)) is not None:
        raise RequestError(instead)
    from ganlib.export.generator import LoadedTranslator, load_generator

    generator = load_generator(export)
    family = generator.config.model.family
    if isinstance(generator, LoadedTranslator):
        if source is None:
            raise RequestError(f"a {family} translates pictures: say which, with --input FOLDER")
        _translate(generator, source, out, back, size)
    elif source is not None:
        raise RequestError(f"--input is for generators that translate; a {family} makes pictures of latents")
    else:
        make(generator, wanted)
    click.echo(out)


def _translate(translator: "LoadedTranslator", source: Path, out: Path, back: bool, size: int | None) -> None:
    """Translate files, and say what became of them.

    Raises:
        WorkError: if there is a picture in none of them.
    """
    from ganlib.export.folders import translate_files

    with bar("translating pictures") as progress:
        done = translate_files(translator, source, out, back, size, progress)
    for line in translations.told(done, translator.config.size):
        click.echo(line, err=True)
    if not done.count:
        raise WorkError(f"none of the {len(done.skipped):,} pictures could be translated")


def _check_together(context: click.Context, source: Path | None) -> None:
    """Refuse options of latents beside those of translations."""
    given = [
        f"--{name.rstrip('_')}"
        for name in (OF_LATENTS if source is not None else OF_TRANSLATIONS)
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT
    ]
    if not given:
        return
    names, verb = ", ".join(given), "are" if len(given) > 1 else "is"
    if source is not None:
        raise RequestError(f"{names} {verb} for pictures that are made of latents; leave out, with --input")
    raise RequestError(f"{names} {verb} for pictures that are translated; say which, with --input FOLDER")
