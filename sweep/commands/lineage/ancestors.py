"""The weights that the trials of a sweep begin with: found, compared with its networks, and copied into its folder.

The copy is what trials read, on whatever machine they run, and what a resume reads: neither the export nor the other
sweep has to stay where it was.
"""

from collections.abc import Iterable, Mapping, Sequence

from ganlib.config import Ancestor
from ganlib.data.listing import matched
from ganlib.errors import RequestError, WorkError
from sweep.commands.lineage.found import INIT, Found, place_of, sha256_of
from sweep.spec.distributions import Categorical
from sweep.spec.specification import Spec
from sweep.storage import layout
from sweep.storage.folder import Folder


def values_of(spec: Spec) -> list[str]:
    """List the values of ``model.init`` that trials of a sweep may have."""
    searched = spec.space.get(INIT)
    values = [
        spec.plain.get(INIT),
        *(searched.choices if isinstance(searched, Categorical) else ()),
        *(point.get(INIT) for point in spec.configs),
    ]
    return list(dict.fromkeys(value for value in values if value is not None))


def find(spec: Spec, storage: Folder) -> dict[str, Found]:
    """Find all weights that a spec names, and make sure that its trials can begin with them.

    Args:
        spec: The sweep.
        storage: Where a sweep is looked for that is given by its name.

    Raises:
        RequestError: with all that is wrong, a line each.
        WorkError: if a file is damaged.
    """
    values = values_of(spec)
    if not values:
        return {}
    # Most sweeps begin with fresh weights, and need no torch up to here: it takes two seconds.
    from sweep.commands.lineage.fitting import misfits_of
    from sweep.commands.lineage.reading import read

    found: dict[str, Found] = {}
    wrong: list[str] = []
    for value in values:
        try:
            found[value] = read(value, storage)
        except RequestError as error:
            wrong.append(f"{place_of(spec, INIT)}{error}")
    wrong += misfits_of(spec, found)
    if wrong:
        raise RequestError("\n".join(wrong))
    return found


def check_classes(spec: Spec, found: Iterable[Found], classes: Sequence[str]) -> None:
    """Make sure that weights were told the classes that the pictures have, in one order.

    Raises:
        RequestError: naming both.
    """
    for one in found:
        if one.classes and tuple(matched(one.classes, classes)) != tuple(classes):
            raise RequestError(
                f"{place_of(spec, INIT)}the weights of '{one.ancestor.source}' were told the classes "
                f"{', '.join(one.classes)}, and these pictures have {', '.join(classes)}: a class is a number of the "
                "network, so that names and their number must agree"
            )


def wrong_with(spec: Spec, storage: Folder) -> list[str]:
    """Say what is wrong with the weights that a spec names, a line each."""
    try:
        find(spec, storage)
    except (RequestError, WorkError) as error:
        return str(error).splitlines()
    return []


def write(folder: Folder, found: Mapping[str, Found]) -> dict[str, Ancestor]:
    """Copy weights into a sweep's folder; returns what is recorded of them."""
    for one in found.values():
        for data in filter(None, (one.generator, one.discriminator)):
            path = layout.initial(sha256_of(data))
            if not folder.exists(path):
                folder.write(path, data)
    return {value: one.ancestor for value, one in found.items()}


def hand_on(origin: Folder, folder: Folder, ancestors: Mapping[str, Ancestor]) -> None:
    """Copy the weights that a sweep's trials begin with into another folder, of a sweep with the same ancestors."""
    for ancestor in ancestors.values():
        for digest in filter(None, (ancestor.weights, ancestor.discriminator)):
            path = layout.initial(digest)
            if not folder.exists(path):
                folder.write(path, origin.read(path))
