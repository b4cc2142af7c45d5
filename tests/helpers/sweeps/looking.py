"""Commands that look on, run for what they print."""

import json

from helpers.sweeps.commands import run


def fine(*arguments: object) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*arguments: object) -> str:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit), result.output
    assert "Traceback" not in result.output
    assert result.stdout == ""
    return result.stderr


def names(*arguments: object) -> list[str]:
    return [fact["name"] for fact in json.loads(fine("ls", "--json", *arguments))]
