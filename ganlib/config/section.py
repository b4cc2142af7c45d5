"""Share what the sections of a spec are built from."""

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

from ganlib.registry import Registry, UnknownNameError

Unit = Literal["epochs", "kimg"]
"""Units of training time: passes over all pictures, or thousands of pictures shown to the discriminator."""


class Section(BaseModel):
    """Base of all sections: frozen, finite numbers only, unknown keys are errors, no silent conversions."""

    # Without use_attribute_docstrings: pydantic would read the sources of all sections at every start of a process.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)


def known(registry: Registry[Any]) -> AfterValidator:
    """Make a validator of the names in a registry, which can list them (``registry``)."""
    return AfterValidator(_Known(registry))


class _Known:
    """The check of a name against a registry."""

    def __init__(self, registry: Registry[Any]) -> None:
        self.registry = registry

    def __call__(self, name: str) -> str:
        try:
            return self.registry.check(name)
        except UnknownNameError as error:
            raise ValueError(str(error)) from None


def choices_of(metadata: Iterable[object]) -> tuple[str, ...]:
    """List the names that a field takes whose validator is `known`; empty for other fields.

    Args:
        metadata: The field's metadata (``model_fields[name].metadata``).
    """
    checks = [item.func for item in metadata if isinstance(item, AfterValidator)]
    return tuple(name for check in checks if isinstance(check, _Known) for name in check.registry)


def default(section: type[Section], key: str) -> object:
    """Return the value that a key has where a spec names none."""
    return section.model_fields[key].default


def meaningless(key: str, value: str, why: str, others: Iterable[str]) -> str:
    """Say that a key means nothing beside a value, and beside which it does.

    The key stands alone in the sentence, so that a spec's reader shows the problem there.
    """
    listed = ", ".join(others)
    return f"{key} means nothing with {value}, which {why}; leave it out, or search it only when: {listed}"
