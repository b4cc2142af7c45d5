"""Read ``search.subject_to``, and refuse what no trial of the sweep could fulfil."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from ganlib.config import EvaluateConfig
from ganlib.names import FAMILIES
from sweep.spec.distributions import Categorical
from sweep.spec.problems import Problems, show
from sweep.spec.space import Space
from sweep.spec.wishes.measures import MEASURES, NEIGHBOURS
from sweep.spec.wishes.wish import condition, known_measure

if TYPE_CHECKING:
    from sweep.spec.yaml_tree import Node

SUBJECT_TO = "search.subject_to"


def read_wishes(node: "Node", problems: Problems) -> dict[str, str]:
    """Read conditions by measure; one that is null is left out.

    Args:
        node: What stands under `SUBJECT_TO`.
        problems: Gets each mistake, at its own line.
    """
    found: dict[str, str] = {}
    if not isinstance(node.value, dict):
        if node.value is not None:
            message = (
                f"must be conditions by measure, such as {{coverage: '>= 0.5'}}; got {show(node.plain())}"
            )
            problems.add(node.file, node.line, SUBJECT_TO, message, node.plain())
        return found
    for name, below in node.value.items():
        try:
            known_measure(name)
            if below.value is not None:
                found[name] = condition(_text(below.plain()))
        except ValueError as error:
            problems.add(below.file, below.line, f"{SUBJECT_TO}.{name}", str(error), below.plain())
    return found


def _text(value: Any) -> str:  # noqa: ANN401 - whatever the file holds
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError(f"needs a sign before the number: write '>= {value}' or '<= {value}'")
    if not isinstance(value, str):
        raise ValueError(f"must be a condition such as '>= 0.5'; got {show(value)}")
    return value


def check_wishes(
    sections: Mapping[str, Any], plain: Mapping[str, Any], space: Space, root: "Node", problems: Problems
) -> None:
    """Note each wish for a measure that trials of the sweep would not have.

    Args:
        sections: The objects of the sections that cannot be searched, by name.
        plain: The values that are not searched, by path.
        space: What is searched.
        root: The spec, with its lines.
        problems: Gets what is wrong.
    """
    if problems.under("search", "evaluate", "model"):
        return
    searched = space.get("model.family")
    families = searched.choices if isinstance(searched, Categorical) else [plain["model.family"]]
    for name in sections["search"].subject_to:
        if why := cannot(name, sections["evaluate"], families):
            node = root.at(*SUBJECT_TO.split("."), name)
            problems.add(node.file, node.line, f"{SUBJECT_TO}.{name}", why, node.plain())


def cannot(name: str, evaluate: EvaluateConfig, families: Collection[str]) -> str:
    """Say why trials of a sweep have no such measure, and which key would change that; empty where they have it.

    Args:
        name: Of the measure.
        evaluate: How generators are measured.
        families: Those that trials may have.
    """
    needs = MEASURES[name].needs
    if needs == "neighbours":
        counts: Mapping[str, int | None] = {"n_fake": evaluate.n_fake, "n_real": evaluate.n_real}
        few = next((key for key, count in counts.items() if count is not None and count <= NEIGHBOURS), None)
        return f"needs more than {NEIGHBOURS} pictures: raise evaluate.{few}" if few else ""
    if needs:
        kind = "translates" if needs == "translator" else "returns"
        lacking = [family for family in families if not getattr(FAMILIES[family], kind)]
        able = [family for family, entry in FAMILIES.items() if getattr(entry, kind)]
        what = "turn photographs into drawings" if needs == "translator" else "learn the way back"
        if lacking:
            return (
                f"is measured of families that {what} ({', '.join(able)}), and model.family is "
                f"{' or '.join(lacking)}; choose one of them, or leave the wish out"
            )
    return ""
