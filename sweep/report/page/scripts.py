"""Link the page's JavaScript modules into one script.

The files in ``assets/js`` are ES modules, as editors and linters know them. A page, however, is one file that opens
from ``file://``, where browsers load no module from another file, under a policy that names every script by its
digest. There are two ways to bring modules into such a page:

- An import map to ``data:`` addresses, with the digest of each. That needs browsers that know ``integrity`` in import
  maps (Chromium of 2024); for all others the policy would have to allow ``data:``, and then any text in the page could
  become a script.
- Linking: each module becomes a function, called once in the order of the imports, and what the module exports are
  constants for those that import it. Browsers of 2022 run that, one digest stands for all modules, and nothing but
  Python is needed to do it.

So the modules are linked here. For a few lines to do it, a module may write only ``import { a, b } from "./other.js";``
and ``export`` before ``const`` or ``function``, each at the start of a line. Anything else is refused, and so are
modules that import each other, or a name that the other module does not export.

Comments that stand alone and indentation are for those who write the modules, not for the page: they are left out. So
that no text is changed by that, a template literal may not go over several lines.
"""

import re
from collections.abc import Callable

_IMPORT = re.compile(r'^import \{ ([\w$]+(?:, [\w$]+)*) \} from "\./(\w+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:const|(?:async )?function) ([\w$]+))", re.MULTILINE)
_UNLINKED = re.compile(r"^\s*(?:import|export)\b.*", re.MULTILINE)
_ALONE = re.compile(r"^[ \t]*(?:/\*(?:(?!\*/).)*\*/|//[^\n]*)[ \t]*\n|^[ \t]+", re.MULTILINE | re.DOTALL)
_OPEN = re.compile(r"^[^`\n]*(?:`[^`\n]*`[^`\n]*)*`[^`\n]*$", re.MULTILINE)
_CLOSING = re.compile(r"</script|<!--", re.IGNORECASE)


def link(entry: str, read: Callable[[str], str]) -> str:
    """Link a module and all that it imports into one script without globals.

    Args:
        entry: The module's name, without ``.js``.
        read: Gives the text of a module by its name.

    Returns:
        The script; equal modules make an equal one.

    Raises:
        ValueError: if a module does what cannot be linked; the message says which, and what.
    """
    linked: dict[str, frozenset[str]] = {}
    functions: list[str] = []

    def visit(name: str, importers: tuple[str, ...]) -> None:
        if name in importers:
            raise ValueError(f"modules import each other: {' > '.join([*importers, name])}")
        if name in linked:
            return
        text = read(name)
        imports = [(other, names.split(", ")) for names, other in _IMPORT.findall(text)]
        for other, names in imports:
            visit(other, (*importers, name))
            if missing := set(names) - linked[other]:
                raise ValueError(
                    f"{name}.js imports {', '.join(sorted(missing))}; {other}.js has no such export"
                )
        linked[name] = frozenset(_EXPORT.findall(text))
        functions.append(_function(name, text, imports, sorted(linked[name])))

    visit(entry, ())
    return '"use strict";\n(() => {\n' + "\n".join(functions) + "})();\n"


def dense(text: str) -> str:
    """Leave out comments that stand alone, and indentation, of a script or a style sheet."""
    return _ALONE.sub("", text)


def _function(name: str, text: str, imports: list[tuple[str, list[str]]], exports: list[str]) -> str:
    """Write a module as the call of a function that returns what the module exports."""
    body = dense(_EXPORT.sub("", _IMPORT.sub("", text)))
    refused = {
        "cannot be linked": _UNLINKED,
        "would end the page's script": _CLOSING,
        "is a template literal over several lines": _OPEN,
    }
    for what, pattern in refused.items():
        if found := pattern.search(body):
            raise ValueError(f"{name}.js: '{found[0].strip()}' {what}")
    bindings = "".join(f"const {{ {', '.join(names)} }} = ${other};\n" for other, names in imports)
    return f"const ${name} = (() => {{\n{bindings}{body}return {{ {', '.join(exports)} }};\n}})();\n"
