"""What is printed where the terminal knows ASCII only."""

import json
from pathlib import Path

import pytest
from helpers.sweeps.looking_on import look
from hypothesis import given
from hypothesis import strategies as st

from sweep.terminal.outlet import encoding_asked_for, spelled


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("0.01 ± 0.02 – 95 %", "0.01 +- 0.02 - 95 %"),
        ("a … b → c × d ≤ e ━━ ⠋", "a ... b -> c x d <= e -- *"),
        ("größe", "gr\\u00f6\\u00dfe"),
        ("\N{CAT FACE}", "\\ud83d\\udc31"),
        ("\udcff", "\\udcff"),  # a byte of a file's name that is no character
    ],
)
def test_what_ascii_lacks(text: str, shown: str) -> None:
    assert spelled(text, "ascii") == shown
    assert spelled("±ö", "latin-1") == "±ö"
    assert spelled("–ö", "latin-1") == "-ö"


@given(
    st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
def test_json_keeps_its_meaning(value: object) -> None:
    for indent in (None, 2):
        text = json.dumps({"value": value}, ensure_ascii=False, indent=indent)
        assert json.loads(spelled(text, "ascii")) == {"value": value}


@pytest.mark.parametrize(
    ("environ", "encoding"),
    [
        ({}, None),
        ({"LANG": "C"}, "ascii"),
        ({"LC_ALL": "POSIX", "LANG": "de_DE.UTF-8"}, "ascii"),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, "ascii"),  # Python's own doing
        ({"LANG": "C", "LC_CTYPE": "de_DE.UTF-8"}, None),
        ({"LANG": "C.UTF-8"}, None),
        ({"LC_ALL": "C", "PYTHONIOENCODING": "utf-8"}, None),
        ({"LANG": "C", "PYTHONUTF8": "1"}, None),
    ],
)
def test_the_locale_that_has_ascii_only(environ: dict[str, str], encoding: str | None) -> None:
    assert encoding_asked_for(environ) == encoding


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [
        *(
            (command, {"PYTHONIOENCODING": "ascii"})
            for command in ("show", "show --json", "best", "ls", "watch")
        ),
        ("show", {"LC_ALL": "C"}),
    ],
)
def test_commands_in_ascii(arguments: str, environ: dict[str, str], storage: Path) -> None:
    done = look([*arguments.split(), "--storage", str(storage)], "read", **environ)
    assert done.returncode == 0
    assert done.stderr == b""
    text = done.stdout.decode("ascii")
    if arguments == "show":
        assert " +- " in text
        assert "\\u" not in text
    if arguments == "show --json":
        json.loads(text)
