"""What a transfer depends on, for its state: by name, so that a state of another one can say in what they differ."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

import numpy as np

from nstcore.backend import device_name
from nstcore.backend.environment import versions
from nstcore.coloring import coloring_version
from nstcore.config import Initial
from nstcore.networks.extractor import pretrained_network
from nstcore.pictures.region_map import RegionMap
from nstcore.recipe import Recipe
from nstcore.scene import Scene
from nstcore.system.files import reading

#: Raised by hand when states of before cannot be read any more, or would lead elsewhere.
STATE_VERSION = 2

# Told apart by more than their value, or by what else it gives.
_ELSEWHERE = ("iterations", "weights")
_LONGEST = 40


def made_from(recipe: Recipe, levels: Sequence[Recipe], scenes: Sequence[Scene]) -> dict[str, Any]:
    """All but the iterations at full size, as plain data for JSON.

    The processor is not among it: another one of the same kind may round otherwise, but goes on as well.

    Raises:
        WeightsError: if the weights cannot be had.
        InputError: if the picture to start from cannot be read.
    """
    config = recipe.config.to_dict()
    networks = (recipe.network, recipe.content_network)
    installed = versions()
    coloring = coloring_version(recipe.config.color)
    return {
        "state version": STATE_VERSION,
        **{name: value for name, value in config.items() if name not in _ELSEWHERE},
        **{name: version for name, version in installed.items() if name != "python"},
        "device": device_name(),
        "weights": [pretrained_network(one.backbone, one.weights)[1].sha256 for one in networks],
        "versions of losses": {name: loss.version for name, loss in recipe.losses},
        **({"version of matched colors": coloring} if coloring > 1 else {}),
        "coarse runs": [[level.size, level.iterations] for level in levels],
        "picture to start from": "" if config["init"] in get_args(Initial) else _sha256_of_file(config["init"]),
        "pictures": [_sha256_of_scene(scene) for scene in scenes],
    }


def difference(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """In what two of them differ, as the end of a sentence; "" if in nothing."""
    names = [name for name in {**here, **there} if there.get(name) != here.get(name)]
    told = [f"{name} {_short(there.get(name))}, not {_short(here.get(name))}" for name in names[:3]]
    if len(names) > len(told):
        told.append(f"and {len(names) - len(told)} more")
    return f"was made with {'; '.join(told)}" if told else ""


def _short(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _sha256_of_file(path: str) -> str:
    with reading(path), open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sha256_of_scene(scene: Scene) -> str:
    digest = hashlib.sha256()
    for part in _parts(scene):
        if isinstance(part, np.ndarray):
            digest.update(f"{part.dtype} {part.shape};".encode())
            digest.update(np.ascontiguousarray(part).tobytes())
        else:
            digest.update(f"{part!r};".encode())
    return digest.hexdigest()


def _parts(scene: Scene) -> Iterator[Any]:
    yield scene.content
    yield from _of_regions(scene.regions)
    for style in scene.styles:
        yield from (style.picture, float(style.weight), float(style.scale), style.region)
        yield from _of_regions(style.regions)


def _of_regions(regions: RegionMap | None) -> Iterator[Any]:
    yield None if regions is None else regions.colors
    if regions is not None:
        yield regions.shares
