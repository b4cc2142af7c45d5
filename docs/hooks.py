"""Make pages of the files that lie at the repository's root, and let all links fit forge and site alike.

In the repository every link is relative to the file that holds it. On the site the files of `PAGES` are pages beside
those of docs/: links to such a file are turned round to its page, and links to files that are no pages (a script, a
folder of figures) lose their target and keep their text. A link to a file that does not exist is left alone, so that
a strict build refuses it.
"""

import json
import re
from os.path import relpath
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "examples/sweep.ipynb": "examples/sweep.md",
    "examples/train.ipynb": "examples/train.md",
}
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s#]+)(#[^()\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files of `PAGES` to those of docs/."""
    for source, page in PAGES.items():
        files.append(File.generated(config, page, content=_markdown(ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn the links of a page round, from the repository's folders to those of the site."""
    uri = page.file.src_uri
    source = next((source for source, made in PAGES.items() if made == uri), f"docs/{uri}")
    home = (ROOT / source).parent

    def fit(link: re.Match[str]) -> str:
        image, text, target, anchor = link.groups(default="")
        found = (home / target).resolve()
        if ":" in target or not found.exists():
            return link[0]
        place = _place(found)
        if place is None:
            return text
        return f"{image}[{text}]({relpath(place, (DOCS / uri).parent)}{anchor})"

    return LINK.sub(fit, markdown)


def _place(path: Path) -> Path | None:
    """Find where a file of the repository stands among the sources of the site; None if it is no part of it."""
    if path.is_dir():
        path = path / "README.md"
    page = PAGES.get(path.relative_to(ROOT).as_posix()) if path.is_relative_to(ROOT) else None
    if page:
        return DOCS / page
    return path if path.is_relative_to(DOCS) and path.is_file() else None


def _markdown(path: Path) -> str:
    """Read a page; a notebook is its text with its code in between."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    parts = ((cell["cell_type"], "".join(cell["source"])) for cell in cells)
    return "\n\n".join(
        source if kind == "markdown" else f"```python\n{source}\n```" for kind, source in parts
    )
