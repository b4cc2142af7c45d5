"""Tables to paste: whole, escaped, and no longer than a page bears."""

from dataclasses import replace
from pathlib import Path

from helpers.sweeps.reports import evil_sweep
from helpers.sweeps.synthetic import make_sweep

from sweep.report.beside.pasted import latex, markdown
from sweep.report.best import MOST, best_rows
from sweep.report.results import Results


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.removesuffix(r"\\").strip("| ").replace("|", "&").split("&")]


def test_both_tables_say_the_same(tmp_path: Path) -> None:
    results = Results.read([make_sweep(tmp_path, trials=20)])
    tex, md = latex(results).splitlines(), markdown(results).splitlines()
    body = tex[tex.index(r"\midrule") + 1 : tex.index(r"\bottomrule")]
    table = [line for line in md if line.startswith("|")][2:]
    assert len(body) == len(table) == MOST
    first = results.ranked[0].entry
    for one in (cells(body[0]), cells(table[0])):
        assert one[:2] == ["1", str(first.trial)]
    assert f"{first.kid:.3f}"[:4] in cells(table[0])[2]
    assert [cells(line)[1] for line in body] == [str(trial.entry.trial) for trial in results.ranked[:MOST]]
    assert f"The best {MOST} of 20 trials of faces" in md[0]
    assert results.label.split(" ")[0] in md[0]
    widths = {len(cells(line)) for line in [*body, *table]}
    assert widths == {5 + len(results.params)}


def test_a_long_training_is_written_in_full(tmp_path: Path) -> None:
    results = Results.read([make_sweep(tmp_path, trials=1, pictures=False)])
    first = results.trials[0]
    late = replace(first, entry=replace(first.entry, kimg=12345.6))
    assert best_rows(replace(results, trials=[late]))[1][4] == "12,345.6"


def test_names_break_neither(tmp_path: Path) -> None:
    results = Results.read([evil_sweep(tmp_path)])
    if not results.ranked:
        assert latex(results) == markdown(results) == ""
        return
    for line in latex(results).splitlines():
        assert line.count("{") == line.count("}")
    assert "<script>" not in markdown(results)


def test_signs_are_escaped() -> None:
    from sweep.report.beside import pasted

    assert pasted._latex("a_b & 50% {x} \\y ~ ^ ±") == (
        r"a\_b \& 50\% \{x\} \textbackslash{}y \textasciitilde{} \textasciicircum{} $\pm$"
    )
    assert pasted._markdown("a|b *c* <d>") == r"a\|b \*c\* \<d\>"
