"""One fresh real search: what its lines count, and that it searches the space of the table."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.places import put
from benchmarks.search import fresh, tally
from benchmarks.search.questions import SHIPPED, TABLE_SPEC, with_search
from benchmarks.search.tally import Line, Tally
from sweep.spec.specification import parse

LINES = [
    Line("a", 0.0, time=0.0),
    Line("b", 0.0, time=1.0),
    Line("a", 1.0, time=5.0),
    Line("b", 1.0, time=6.0),
    Line("a", 2.0, time=9.0),
    Line("a", 2.0, True, 0.5, 1.0, {"x": 1}, 10.0),
    Line("b", 2.0, time=11.0),
    Line("b", 1.0, time=12.0),  # lost with its worker, and trained again
    Line("b", 2.0, time=13.0),
    Line("c", 0.0, time=14.0),
    Line("b", 2.0, True, None, None, None, 15.0),
    Line("c", 1.0, True, 0.3, 1.0, {"x": 3}, 16.0),
    Line("d", 4.0, True, 0.1, 4.0, {"x": 4}, 20.0),
]


def test_a_result_counts_with_the_training_of_all_trials_until_then() -> None:
    told = tally.counted(LINES, 6.0)
    assert told["steps"] == [[3.0, 0.5], [5.0, 0.3]], "b had come to 1 when a's result was there"
    assert (told["trials"], told["results"], told["kimg"], told["seconds"]) == (3, 2, 5.0, 16)
    assert told["winner"] == {"result": 0.3, "kimg": 1.0, "params": {"x": 3}}


def test_what_was_known_past_the_budget_does_not_count() -> None:
    assert tally.counted(LINES, 4.0)["steps"] == [[3.0, 0.5]]
    assert tally.counted(LINES, 9.0)["steps"][-1] == [9.0, 0.1]
    assert tally.counted(LINES, 2.5)["winner"] is None
    assert tally.counted([], 1.0)["kimg"] == 0.0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 9), st.floats(0.01, 1)), max_size=20))
def test_spent_and_best_only_go_one_way(found: list[tuple[str, float, float]]) -> None:
    lines = [Line(name, kimg, True, value, kimg, {}, 0.0) for name, kimg, value in found]
    spent = [kimg for kimg, _ in tally.within(lines, 1e9)]
    assert spent == sorted(spent)
    assert sum(tally.furthest(lines).values()) == pytest.approx(spent[-1] if spent else 0.0)
    steps = tally.counted(lines, 1e9)["steps"]
    assert [value for _, value in steps] == sorted({value for _, value in steps}, reverse=True)


def test_lines_survive_a_machine_that_goes_down(tmp_path: Path) -> None:
    path = tmp_path / "tally.jsonl"
    kept = Tally(path)
    for line in LINES:
        kept.add(line)
    path.write_text(path.read_text() + '{"trial": "e", "ki')
    again = Tally(path)
    assert again.lines == LINES
    assert again.kimg == kept.kimg == 9.0
    again.add(Line("e", 1.0))
    assert Tally(path).kimg == 10.0


def test_ways_are_compared_at_what_the_first_found() -> None:
    ways = {
        "random": {"steps": [[10.0, 0.5], [60.0, 0.3]]},
        "default": {"steps": [[5.0, 0.6], [20.0, 0.2]]},
        "ray": {"steps": [[5.0, 0.4]]},
    }
    told = tally.compared(ways, "random")
    assert {name: way["times_less"] for name, way in told.items()} == {
        "random": 1.0,
        "default": 3.0,
        "ray": None,
    }
    assert told["default"]["kimg_to_reach"] == 20.0
    assert tally.compared({"ray": ways["ray"]}, "random") == {"ray": ways["ray"]}


def test_the_table_says_what_is_not_there() -> None:
    ways = {
        "random": {"steps": [[60.0, 0.3]], "winner": {"result": 0.3}, "trials": 8},
        "ray": {"steps": [], "winner": None, "trials": 9},
    }
    ways["random"]["again"] = tally.spread([0.2, 0.4, None])
    ways["ray"]["again"] = tally.spread([None])
    text = tally.table(72, {"1": tally.compared(ways, "random")}, fresh.LABELS)
    assert "| random, all to the end | 8 | 0.300 | 60 | 1.0 | 0.300 (0.200 to 0.400, 1 lost) |" in text
    assert "| 9 | none | not reached | - | not measured |" in text
    twice = {number: tally.compared(ways, "random") for number in ("10", "9")}
    assert "| 8; 8 | 0.300; 0.300 | 60; 60 | 1.0; 1.0 |" in tally.table(72, twice, fresh.LABELS)
    assert put("a\n<!-- fresh -->\nold\n<!-- end -->\nb", "fresh", text).count(text) == 1


def test_events_of_a_run_are_lines() -> None:
    about = {"event": "evaluation", "time": 3.0, "trial": 7, "kimg": 2.0, "result": None, "params": {"x": 1}}
    assert fresh.line_of(about) == Line("7", 2.0, time=3.0)
    result = about | {"event": "result", "result": 0.4, "detail": {"kimg": 1.0}}
    assert fresh.line_of(json.loads(json.dumps(result))) == Line("7", 2.0, True, 0.4, 1.0, {"x": 1}, 3.0)
    assert fresh.line_of({"event": "end", "best": 7}) is None


def test_it_searches_the_space_of_the_table_by_the_default() -> None:
    table, spec = (parse(path.read_text()) for path in (TABLE_SPEC, fresh.SPEC))
    assert spec.space == table.space
    assert spec.data != table.data
    assert spec.evaluate == table.evaluate
    plain, usual = spec.to_plain(), with_search(table, {"sampler": "tpe"}, SHIPPED).to_plain()
    assert (plain["train"], plain["model"], plain["asha"]) == (usual["train"], usual["model"], usual["asha"])
    assert plain["search"] == usual["search"] | {"trials": 1000, "seed": 1}
    for overrides in fresh.OVERRIDES.values():
        fresh.text_of(overrides)
