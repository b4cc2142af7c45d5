"""Linking of JavaScript modules: their order, and all that is refused."""

import re
from collections.abc import Mapping
from importlib import resources

import pytest

from sweep.report.page.scripts import dense, link

MODULES = {
    "main": 'import { shown } from "./list.js";\nimport { one, two } from "./numbers.js";\nshown(one, two());\n',
    "list": 'import { one } from "./numbers.js";\nexport const shown = (...all) => [one, ...all];\n',
    "numbers": "export const one = 1;\nexport function two() { return 2; }\nconst three = 3;\n",
}


def linked(changes: Mapping[str, str] | None = None) -> str:
    return link("main", {**MODULES, **(changes or {})}.__getitem__)


def test_a_module_comes_once_after_all_that_it_imports() -> None:
    script = linked()
    assert re.findall(r"^const (\$\w+) = ", script, re.MULTILINE) == ["$numbers", "$list", "$main"]
    assert "const { one, two } = $numbers;" in script
    assert "return { one, two };" in script
    assert not re.search(r"^\s*(import|export)\b", script, re.MULTILINE)
    assert script == linked()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"numbers": "export const one = 1;\n"},
            "list.js|main.js imports two; numbers.js has no such export",
        ),
        ({"numbers": 'import { shown } from "./list.js";\n'}, "each other: main > list > numbers > list"),
        ({"numbers": "export let one = 1;\n"}, "numbers.js: 'export let one = 1;' cannot be linked"),
        ({"numbers": "export default 1;\n"}, "cannot be linked"),
        ({"numbers": 'import all from "./list.js";\n'}, "cannot be linked"),
        ({"main": 'import { one as uno } from "./numbers.js";\n'}, "cannot be linked"),
        ({"main": 'import { one } from "https://example.org/numbers.js";\n'}, "cannot be linked"),
        ({"main": "const words = `a\n  b`;\n"}, "is a template literal over several lines"),
        ({"main": 'const tag = "</script>";\n'}, "would end the page's script"),
    ],
)
def test_what_cannot_be_linked_is_refused(changes: Mapping[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        linked(changes)


def test_comments_and_indentation_are_left_out_and_nothing_else() -> None:
    text = "/* What it\n   is. */\nconst f = () => {\n  // why\n  const g = '/* no */'; // said\n"
    text += "  return `  ${g}`;\n};\n"
    assert dense(text) == "const f = () => {\nconst g = '/* no */'; // said\nreturn `  ${g}`;\n};\n"
    assert dense("@media print {\n  /* so */ a { b: c; }\n}\n") == "@media print {\n/* so */ a { b: c; }\n}\n"


def test_every_module_is_part_of_the_page() -> None:
    folder = resources.files("sweep.report").joinpath("assets", "js")
    names = {file.name.removesuffix(".js") for file in folder.iterdir()}
    script = link("main", lambda name: folder.joinpath(f"{name}.js").read_text(encoding="utf-8"))
    assert set(re.findall(r"^const \$(\w+) = ", script, re.MULTILINE)) == names
