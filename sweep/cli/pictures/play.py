"""``sweep play EXPORT``: a page to play with an exported generator, or a Space of it."""

from contextlib import suppress
from pathlib import Path

import click

from ganlib.errors import RequestError
from sweep.cli.showing import show


@click.command(name="play")
@click.argument("export", type=click.Path(path_type=Path))
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8088, show_default=True, help="Of the page; 0: any."
)
@click.option("--no-browser", is_flag=True, help="Open no browser; only print the address.")
@click.option(
    "--space",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write a Hugging Face Space of the generator into the folder DIR, and serve nothing.",
)
@click.option("--force", is_flag=True, help="With --space: replace what an earlier call wrote there.")
def command(export: Path, port: int, no_browser: bool, space: Path | None, force: bool) -> None:
    """Play with the generator in the folder EXPORT, which 'sweep best --export' wrote, on a page in the browser.

    New pictures, walks between those that you pin, as GIFs too; truncation and mixed styles (StyleGAN), classes
    (trained with labels); of translators (CycleGAN, CartoonGAN) an area for your photographs. What the page shows can
    be saved, linked, and made again with 'sweep generate'. It is served on this machine only and needs no network.

    From another machine: ssh -L 8088:127.0.0.1:8088 HOST, then open http://127.0.0.1:8088/ there.

    --space writes a folder that is a Hugging Face Space (Gradio), with the generator and all the code that it needs:
    push it to a Space, or run it anywhere with 'pip install -r requirements.txt gradio', then 'python app.py'.
    """
    from sweep.mistaken import instead_of_export

    if (instead := instead_of_export(export)) is not None:
        raise RequestError(instead.replace("sweep generate", "sweep play"))
    if space is not None:
        from sweep.play.space import write_space

        for path in write_space(export, space, force):
            click.echo(path)
        return
    if force:
        raise RequestError("--force is for --space, which writes files; a page writes none")
    _serve(export, port, not no_browser)


def _serve(export: Path, port: int, browser: bool) -> None:
    from sweep.play.serve import Server

    with Server(export, port) as server, suppress(KeyboardInterrupt):
        show(server.url, server.port, browser)
        server.load()
        server.wait()
