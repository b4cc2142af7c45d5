"""Show a served page: where it is, how to reach it from elsewhere, and in a browser where there is one."""

import os
import sys
import threading
import webbrowser

import click


def show(url: str, port: int, browser: bool, what: str = "Ctrl-C ends it", err: bool = False) -> None:
    """Print the address of a page, and open it in a browser.

    Args:
        url: Its address on this machine.
        port: Its port.
        browser: Whether a browser may be opened.
        what: What Ctrl-C does.
        err: Whether the address goes to standard error.
    """
    click.echo(f"{url} ({what})", err=err)
    if "SSH_CONNECTION" in os.environ:
        there = [*os.environ["SSH_CONNECTION"].split(), "", "", "THIS_MACHINE"][2] or "THIS_MACHINE"
        click.echo(
            f"from where you are: ssh -L {port}:127.0.0.1:{port} {there}, then open it there", err=True
        )
    elif browser and _has_screen():
        threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()


def _has_screen() -> bool:
    """Tell whether a browser would have a window, and somebody looks: a text browser would take the terminal."""
    window = not sys.platform.startswith("linux") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))
    return window and sys.stderr.isatty()
