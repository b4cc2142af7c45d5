"""Where weights come from that a trial's training began with."""

from collections.abc import Iterator

from ganlib.address import parted
from ganlib.config.section import Section


class Ancestor(Section):
    """The weights that a trial began with: which they are, and whose.

    It is part of a trial's configuration, so that two trials that began with other weights have other configurations,
    whatever the place of the weights was called.
    """

    source: str
    """What ``model.init`` says."""
    weights: str
    """SHA-256 (hex) of the generator's weights, as the file of an export has them."""
    discriminator: str | None = None
    """SHA-256 (hex) of the discriminator's weights; None where the discriminator began with fresh ones."""
    sweep: str = ""
    """The sweep that trained the weights; empty where that is not known."""
    trial: int | None = None
    """The trial of that sweep."""
    where: str = ""
    """The trial or run in words, where it is known."""
    kimg: float | None = None
    """Thousands of real pictures that the trial had been shown; None where that is not known."""
    data_hash: str = ""
    """SHA-256 (hex) of the content of the pictures that it learned from."""
    attribution: str = ""
    """Whom to credit for those pictures; empty where that is not known."""
    parent: "Ancestor | None" = None
    """What that trial began with itself; None for fresh weights."""

    def line(self) -> Iterator["Ancestor"]:
        """List this ancestor, its own ancestor and so on, back to fresh weights."""
        one: Ancestor | None = self
        while one is not None:
            yield one
            one = one.parent

    def without_places(self) -> "Ancestor":
        """Leave out folders of somebody's machine and addresses of stores, for files that are handed on."""
        parent = self.parent and self.parent.without_places()
        source = parted(self.source)[0].rstrip("/").rpartition("/")[2]
        return self.model_copy(update={"source": source, "parent": parent})

    def __str__(self) -> str:
        known = [f"{self.where} of the sweep {self.sweep}" if self.sweep else self.source]
        if self.kimg is not None:
            known.append(f"after {self.kimg:g} kimg")
        known.append(f"weights {self.weights[:12]}")
        known.append("with its discriminator" if self.discriminator else "the discriminator fresh")
        return ", ".join(known)
