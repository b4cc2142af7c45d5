"""What the page of a generator is told: about the generator, its pictures, walks, mixes and translations."""

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self, cast
from urllib.parse import parse_qsl

import numpy as np

from ganlib.data.sheet import image_of, png
from ganlib.errors import RequestError
from ganlib.export.addressed import LAYERS, MOST, STEPS, STOPS, Address, Addressed, GoneError, Way
from ganlib.export.generator import LoadedGenerator, LoadedTranslator, load_generator
from ganlib.export.photographs import sizes_for, translate_bytes
from ganlib.export.programs import has_styles
from ganlib.models.styles.generator import Layers
from sweep.local_server import Answer, Asked, refusal

TRUNCATIONS = (0.0, 2.0)
"""Least and most of a truncation, as of ``sweep generate``."""


class Query:
    """The values of a request, read by their names.

    Args:
        text: As in an address, behind the ``?``.

    Raises:
        RequestError: if there are more than any of our addresses has.
    """

    def __init__(self, text: str) -> None:
        try:
            self._values = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=16))
        except ValueError:
            raise RequestError("this address cannot be read") from None

    def text(self, name: str, default: str = "") -> str:
        """Give a value as it is."""
        return self._values.get(name, default)

    def number(self, name: str, default: int | None = None, most: int = 2**63 - 1) -> int:
        """Read a whole number from 0 on.

        Raises:
            RequestError: if it is none, or above ``most``.
        """
        told = self.text(name, "" if default is None else str(default))
        if not re.fullmatch(r"\d{1,19}", told, re.ASCII) or int(told) > most:
            raise RequestError(f"{name}: '{told[:40]}' is no whole number from 0 to {most:,}")
        return int(told)

    def maybe(self, name: str) -> int | None:
        """Read a whole number that may be missing."""
        return self.number(name) if self.text(name) else None

    def truncation(self) -> float:
        """Read the truncation; 1 by default.

        Raises:
            RequestError: if it is none.
        """
        told, (least, most) = self.text("truncation", "1"), TRUNCATIONS
        if not re.fullmatch(r"\d(\.\d{1,4})?", told, re.ASCII) or not least <= float(told) <= most:
            raise RequestError(f"truncation: '{told[:40]}' is no number from {least:g} to {most:g}")
        return float(told)

    def address(self, name: str) -> Address:
        """Read the address of a picture."""
        return Address.read(self.text(name))

    def addresses(self) -> list[Address]:
        """Read the addresses of the stops of a walk."""
        return [Address.read(part) for part in self.text("of").split(",")]


@dataclass(frozen=True)
class Answers:
    """Answers of a generator that was loaded.

    Attributes:
        export: Its folder.
        generator: Itself.
        addressed: Its pictures; None of a translator.
    """

    export: Path
    generator: LoadedGenerator
    addressed: Addressed | None

    @classmethod
    def of(cls, export: Path) -> Self:
        """Load a generator.

        Raises:
            RequestError: if the folder is no export.
            WorkError: if its files are damaged.
        """
        generator = load_generator(export)
        translates = isinstance(generator, LoadedTranslator)
        return cls(export, generator, None if translates else Addressed(generator))

    @property
    def name(self) -> str:
        """Of the export, for people and in the names of files."""
        return self.export.resolve().name or "generator"

    def answer(self, asked: Asked) -> Answer:
        """Answer one request.

        Raises:
            RequestError: if it asks for what there is not.
            WorkError: if it could not be done.
        """
        made = {
            "about.json": self._about,
            "translate.png": self._translated,
            **({} if self.addressed is None else self._pictures(self.addressed)),
        }.get(asked.name)
        if made is None:
            return refusal("There is no such page.", HTTPStatus.NOT_FOUND)
        try:
            return made(asked, Query(asked.query))
        except GoneError:
            return refusal("Nobody waits for it.", HTTPStatus.SERVICE_UNAVAILABLE)

    def _about(self, asked: Asked, query: Query) -> Answer:
        return Answer(json.dumps(self.about(), allow_nan=False).encode(), "application/json")

    def about(self) -> dict[str, Any]:
        """Collect what the page shows and offers."""
        config, generator = self.generator.config, self.generator
        translates = isinstance(generator, LoadedTranslator)
        about: dict[str, Any] = {
            "name": self.name,
            "family": config.model.family,
            "size": config.size,
            "channels": config.channels,
            "sweep": str(config.about.get("sweep", "")),
            "from": str(config.about.get("from", "")),
            "file": _plain(self.name),
            "command": f"sweep generate {shlex.quote(str(self.export))}",
            "translates": translates,
        }
        if isinstance(generator, LoadedTranslator):
            both = generator.network.back is not None
            return about | {"back": both, "sizes": sizes_for(config.size)}
        assert self.addressed is not None
        return about | {
            "classes": list(generator.classes),
            "labels": self.addressed.labels(),
            "styles": has_styles(generator.network),
            "layers": LAYERS,
            "most": MOST,
            "stops": STOPS,
            "steps": STEPS,
        }

    def _pictures(self, made: Addressed) -> dict[str, Callable[[Asked, Query], Answer]]:
        """Name what can be asked of a generator of latents."""

        def picture(asked: Asked, query: Query) -> Answer:
            address = query.address("of")
            pixels = made.picture(address, query.truncation(), asked.gone)
            return self._png(png(image_of(pixels)), str(address))

        def sheet(asked: Asked, query: Query) -> Answer:
            seed, count = query.number("seed"), query.number("count", 24, MOST)
            image = made.sheet(seed, count, query.maybe("class"), query.truncation())
            return self._png(png(image), f"seed-{seed}")

        def leg(asked: Asked, query: Query) -> Answer:
            number = query.number("leg", 0, STOPS)
            frames = made.leg(query.addresses(), number, query.truncation(), asked.gone)
            return self._png(png(image_of(np.concatenate(list(frames), axis=1))), f"walk-part-{number}")

        def gif(asked: Asked, query: Query) -> Answer:
            stops = query.addresses()
            name = f"walk-{stops[0]}-and-{len(stops) - 1}-more"
            return Answer(
                made.gif(stops, query.truncation()), "image/gif", headers=self._named(f"{name}.gif")
            )

        def mix(asked: Asked, query: Query) -> Answer:
            layers, way = cast("Layers", query.text("layers")), cast("Way", query.text("way", "forth"))
            first, second = query.address("of"), query.address("with")
            pixels = made.mixed(first, second, layers, way, query.truncation(), asked.gone)
            giver, keeper = (first, second) if way == "forth" else (second, first)
            return self._png(png(image_of(pixels)), f"{layers}-of-{giver}-in-{keeper}")

        return {"picture.png": picture, "sheet.png": sheet, "walk.png": leg, "walk.gif": gif, "mix.png": mix}

    def _translated(self, asked: Asked, query: Query) -> Answer:
        """Translate the photograph that was sent."""
        if not isinstance(self.generator, LoadedTranslator):
            raise RequestError("this generator makes pictures of latents, and translates none")
        if not asked.body:
            raise RequestError("send a picture's file")
        name = Path(query.text("name", "picture").replace("\\", "/"))
        shorter = query.maybe("size")
        made = translate_bytes(
            self.generator, asked.body, name.suffix.lower(), query.text("back") == "1", shorter
        )
        return self._png(png(image_of(made)), _plain(name.stem))

    def _png(self, data: bytes, name: str) -> Answer:
        return Answer(data, "image/png", headers=self._named(f"{name}.png"))

    def _named(self, name: str) -> dict[str, str]:
        """Give a file the name under which a browser saves it."""
        return {"Content-Disposition": f'inline; filename="{_plain(self.name)}-{name}"'}


def _plain(name: str) -> str:
    """Keep what any file system and header takes of a name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:80] or "picture"
