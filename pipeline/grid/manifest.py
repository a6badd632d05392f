"""The record of a cell: what went in, what ran, what came out."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from nstcore import TransferConfig
from nstcore.backend.environment import device, versions
from nstcore.feedforward.settings import SIZES, NetworkSettings
from nstcore.result import CoarseRun, Resumption, TransferResult
from nstcore.system.peak_memory import peak_memory
from pipeline.grid.cell import Cell
from pipeline.grid.digest import ENGINE_VERSION, OF_THE_WAY, file_sha256
from pipeline.grid.feedforward import NetworkPlan
from pipeline.grid.ingredients import PictureFile, StyleFile

if TYPE_CHECKING:
    from nstcore.feedforward.training import TrainingResult


def manifest(
    cell: Cell,
    result: TransferResult,
    batch_size: int = 1,
    *,
    lineage: str = "",
    keeps_state: bool = False,
    network: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Build the manifest of a finished cell, as plain data for JSON.

    Args:
        batch_size: how many cells were optimised in the same `seconds`.
        lineage: what it shares with the same cell with other iterations (`pipeline.outputs.states`).
        keeps_state: whether its state stays.
        network: what is known of the network that gave the picture, if one did (`network_in_short`).
    """
    first, last = result.trace[0], result.trace[-1]
    return {
        "content": _picture(cell.content, cell.content_path) | _regions(cell.content_regions),
        "style": _picture(cell.style, cell.style_path) | _of_the_style(cell),
        "config": _settings(cell, result.config),
        **({"network": network} if network else {}),
        "weights": result.weights.to_dict(),
        **({"content_weights": result.content_weights.to_dict()} if result.content_weights else {}),
        "digest": cell.digest,
        **({"lineage": lineage} if lineage else {}),
        **({"keeps_state": True} if keeps_state else {}),
        **({"resumed_at": [_resumption(each) for each in result.resumed]} if result.resumed else {}),
        "engine_version": ENGINE_VERSION,
        "versions": versions(),
        "device": device(),
        "result": {
            "message": result.message,
            "height": result.image.shape[0],
            "width": result.image.shape[1],
            "iterations": last.iteration,
            "evaluations": last.evaluations,
            "seconds": result.seconds,
            "batch_size": batch_size,
            "initial_total": first.total,
            "total": last.total,
            "content": last.content,
            "style": last.style,
            "total_variation": last.total_variation,
            "losses": dict(last.losses),
            "coarse_runs": [_coarse_run(run) for run in result.coarse],
            "peak_memory_mib": _peak_memory_mib(),
        },
        "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def network_manifest(plan: NetworkPlan, cell: Cell, result: TrainingResult) -> dict[str, Any]:
    """Build the manifest of a trained network, as plain data for JSON. `cell` is any that it makes."""
    last = result.trace[-1]
    held_out = [step.held_out for step in result.trace.held_out]
    return {
        "style": _picture(cell.style, cell.style_path) | _of_the_style(cell),
        "config": _settings(cell, result.config),
        "weights": result.weights.to_dict(),
        **({"content_weights": result.content_weights.to_dict()} if result.content_weights else {}),
        "network": {"size": _size(result.settings), **result.settings.to_dict()},
        "training": plan.training.shape()["training"],
        "photographs": {
            "folder": plan.training.photographs_dir,
            "sha256": plan.photographs_sha256,
            "held_out": list(result.held_out),
        },
        "digest": plan.digest,
        **({"resumed_after": list(result.resumed)} if result.resumed else {}),
        "engine_version": ENGINE_VERSION,
        "versions": versions(),
        "device": device(),
        "result": {
            "message": result.message,
            "steps": result.steps,
            "seconds": result.seconds,
            "total": last.total,
            "held_out": held_out[-1] if held_out else None,
            "peak_memory_mib": _peak_memory_mib(),
        },
        "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def _size(settings: NetworkSettings) -> str:
    """What its size is called, if it has a name."""
    return next((name for name, size in SIZES.items() if size == settings), "custom")


def network_in_short(file: str, sha256: str, made: Mapping[str, Any]) -> dict[str, Any]:
    """What the manifest of a cell says of the network that made it.

    Args:
        file: its path in the output folder, with "/".
        made: its `network_manifest`.
    """
    return {
        "file": file,
        "sha256": sha256,
        "digest": made["digest"],
        **made["network"],
        **{name: made["result"][name] for name in ("steps", "seconds", "held_out")},
        "photographs": made["photographs"]["folder"],
        "device": made["device"],
    }


def _settings(cell: Cell, config: TransferConfig) -> dict[str, Any]:
    """Those that count for how a cell is made."""
    if cell.network is None:
        return config.to_dict()
    if cell.method == "refine":
        return {**config.to_dict(), "method": cell.method, "init": "feedforward"}
    return {"method": cell.method} | {name: each for name, each in config.to_dict().items() if name not in OF_THE_WAY}


def _coarse_run(run: CoarseRun) -> dict[str, Any]:
    last = run.trace[-1]
    return {"size": run.size, "iterations": last.iteration, "evaluations": last.evaluations, "total": last.total}


def _resumption(resumption: Resumption) -> dict[str, Any]:
    return {name: value for name, value in asdict(resumption).items() if value != ""}


def _picture(name: str, path: str) -> dict[str, str]:
    return {"name": name, "file": os.path.basename(path), "sha256": file_sha256(path)}


def _of_the_style(cell: Cell) -> dict[str, Any]:
    """The pictures of a mixture, or the map of a single picture."""
    if cell.ingredients is None or not cell.ingredients.mixture:
        return _regions(cell.styles[0].regions)
    return {
        "pictures": [
            {**_file(style.picture), **_numbers(style), **_regions(style.regions)} for style in cell.ingredients.styles
        ]
    }


def _numbers(style: StyleFile) -> dict[str, Any]:
    numbers = {"weight": style.weight, "scale": style.scale}
    return {**numbers, "region": style.region} if style.region else numbers


def _regions(file: PictureFile | None) -> dict[str, Any]:
    return {"regions": _file(file)} if file else {}


def _file(file: PictureFile) -> dict[str, str]:
    return {"file": os.path.basename(file.path), "sha256": file.sha256}


def _peak_memory_mib() -> float:
    """The largest resident size so far of the process that ran the cell, MiB."""
    return round(peak_memory() / 2**20, 1)
