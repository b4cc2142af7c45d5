"""Ask before something is deleted."""

import sys

import click

from ganlib.errors import RequestError

yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask.")


def agreed(question: str, yes: bool, otherwise: str) -> bool:
    """Ask a question whose answer may be no; end with exit code 1 then, and say what has not happened.

    Args:
        question: What is asked, on standard error.
        yes: Whether it has been answered by ``--yes``.
        otherwise: Said where the answer is no.

    Raises:
        RequestError: if there is nobody who could answer.
    """
    if yes:
        return True
    try:
        if click.confirm(question, err=True):
            return True
    except click.Abort:
        click.echo("", err=True)  # the question's line has no end
        if not sys.stdin.isatty():
            raise RequestError(f"nobody answers here, so that {otherwise}: --yes does not ask") from None
    click.echo(otherwise, err=True)
    raise SystemExit(1)
