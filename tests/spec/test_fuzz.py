"""Whatever is read as a spec gives a `Spec` or a `SpecError`, in bounded time."""

from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ganlib.errors import RequestError
from sweep.spec.problems import SpecError
from sweep.spec.sections import FIELDS, SECTIONS
from sweep.spec.specification import Spec, load, parse

pytestmark = pytest.mark.slow
SHIPPED = (Path(__file__).parents[2] / "searchspaces" / "dcgan.yaml").read_text()


def fuzz(examples):
    unlike_a_unit_test = [
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,
        HealthCheck.data_too_large,
    ]
    return settings(max_examples=examples, deadline=None, suppress_health_check=unlike_a_unit_test)


def survives(text, overrides=()):
    """Read it; a spec must also survive the way through YAML."""
    try:
        spec = parse(text, "fuzz.yaml", overrides)
    except SpecError as error:
        assert error.problems
        lines = str(error).splitlines()
        assert len(lines) == len(error.problems), "one line each"
        assert all(line.isprintable() and len(line) < 1000 for line in lines)
        return None
    assert isinstance(spec, Spec)
    assert parse(spec.to_yaml()) == spec
    for params in spec.space.corners(3)[0]:
        spec.resolve(params)
    return spec


@fuzz(100)
@given(st.text(max_size=300))
@example("\ufeff")
@example("%YAML 1." + "9" * 5000 + "\n---\n")
@example("%YAML 1.9\n---\ntrain: {epochs: 1}")
@example("%TAG ! tag:x,2000:\n---\n!a b")
@example('"\\ud800": "\\ud800"')
@example("train: {epochs: 0b1}")
@example("train: {epochs: +.5e+0}")
@example("{? : }")
@example("<<: {train: {epochs: 1}}")
@example("&a [*a]")
@example("train: &a {epochs: 1}\nmodel: *a")
@example("- " * 3000)
@example("? " * 3000)
@example("a: " * 3000)
@example("{" * 3000)
@example("[" * 100_000)
@example("&a " * 1000)
@example("'" * 1001)
@example("a: |\n" + " " * 5000 + "x")
def test_any_text(text):
    survives(text)


@fuzz(100)
@given(st.binary(max_size=200))
@example(b"\x1f\x8b")
def test_any_bytes(tmp_path, data):
    path = tmp_path / "fuzz.yaml"
    path.write_bytes(data)
    try:
        load(path)
    except SpecError:
        return
    except RequestError as error:
        assert "is an archive" in str(error)


TOKENS = [
    *"{}[]:,-?&*!|>'\"%@`#~ \n\t\0\r\x85\u2028",
    *("null", "true", "no", ".nan", "-.inf", "1e400", "-0", "0x", "0o9", "1_0", "9" * 400, "1e-4", "2**63"),
    *("!!python/object/apply:os.system ", "*a", "&a ", "<<: ", "---\n", "...\n", "? ", "- ", "!!int "),
    *("{type: float, low: 1, high: 0}", "{type: int, low: 1, high: 3, step: 2}", "when: {train.loss: bce}"),
    *(
        "type: float",
        "low:",
        "step: 1e-300",
        "choices: []",
        "choices: [[1]]",
        "..",
        "../x",
        "\ud7ff",
        "é",
        "💥",
    ),
    *FIELDS,
    *SECTIONS,
]


@st.composite
def mutated(draw):
    text = SHIPPED
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(text)))
        length = draw(st.sampled_from([0, 0, 1, 1, 3, 10, 100]))
        text = text[:at] + draw(st.sampled_from([*TOKENS, ""])) + text[at + length :]
    return text


@fuzz(80)
@given(mutated())
def test_any_mutation_of_a_right_spec(text):
    survives(text)


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(
        [1e-5, 0.5, 1, 2, 4, 64, "bce", "lsgan", "simple", "kid", "kimg", "dcgan", "grid", "cmaes"]
    ),
    st.text(max_size=8),
)
distributions = st.fixed_dictionaries(
    {"type": st.sampled_from(["float", "int", "categorical"])},
    optional={
        "low": scalars,
        "high": scalars,
        "step": scalars,
        "log": scalars,
        "choices": st.lists(st.one_of(scalars, st.lists(scalars, max_size=2)), max_size=4),
        "when": st.dictionaries(
            st.sampled_from(list(FIELDS)), st.one_of(scalars, st.lists(scalars, max_size=3))
        ),
        "extra": scalars,
    },
)
anything = st.recursive(
    st.one_of(scalars, distributions),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


def section(name):
    return st.one_of(
        st.dictionaries(st.sampled_from([*SECTIONS[name].model_fields, "extra"]), anything, max_size=5),
        anything,
    )


specs = st.fixed_dictionaries({}, optional={name: section(name) for name in SECTIONS} | {"name": scalars})


@fuzz(100)
@given(specs)
@example({"model": {"family": {"type": "float", "low": float("inf"), "high": 0}}})
def test_any_tree_of_known_keys(tree):
    survives(yaml.safe_dump(tree))


@fuzz(80)
@given(st.lists(st.tuples(st.sampled_from([*FIELDS, *SECTIONS, "name", "", "x"]), anything), max_size=4))
def test_any_override(pairs):
    survives(
        SHIPPED, [f"{path}={yaml.safe_dump([value], default_flow_style=True)[1:-2]}" for path, value in pairs]
    )


@fuzz(50)
@given(st.lists(st.text(max_size=30), max_size=3))
def test_any_override_text(overrides):
    survives(SHIPPED, overrides)


@st.composite
def right_distributions(draw):
    """A distribution of each numeric key that the key accepts, and perhaps a condition."""
    low = draw(st.floats(1e-4, 0.4))
    high = draw(st.floats(0.4, 1.0))
    found = {"type": "float", "low": low, "high": high, "log": draw(st.booleans())}
    if draw(st.booleans()):
        found["when"] = {"train.loss": draw(st.sampled_from(["bce", ["bce", "lsgan"]]))}
    return found


@fuzz(50)
@given(
    st.dictionaries(
        st.sampled_from(["lr_g", "lr_d", "smoothing", "augment_p", "gamma"]), right_distributions()
    ),
    st.sampled_from(["tpe", "random", "gp"]),
)
def test_right_specs_are_accepted(searched, sampler):
    loss = {"type": "categorical", "choices": ["bce", "lsgan"]}
    tree = {"train": {"epochs": 3, "loss": loss, **searched}, "search": {"sampler": sampler}}
    spec = survives(yaml.safe_dump(tree))
    assert spec is not None
    assert len(spec.space) == len(searched) + 1


def test_large_files_cost_little():
    """Not a timing: these would take hours, or all memory, if anything were quadratic or unbounded."""
    size = 200_000
    for unit in ("a: 1\n", "#", "- a\n", "[", "a,", " ", "'", '"\\x41', "a: {type: float}\n", "\n", "é"):
        survives((unit * size)[:size])
        survives("train: {epochs: 1}\ndata: {style: " + (unit * size)[: size - 100])
