"""Cells of papers that nobody made: alike but for what a test changes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from nstcore.result import Iterate, Trace
from pipeline.papers import PAPERS, Evidence, Finding, Paper, Sample, Setup
from pipeline.papers.computed import CROPS, FADES, RESCALING
from pipeline.papers.finding import without_seed
from pipeline.papers.judging import LOOKS
from pipeline.report.page import ReportCell

SETUP = Setup("contents", "styles", ("china",), ("brushwork",), ("chelsea",))

_FIRST = Sample("china", "brushwork")
_RANDOM = np.random.default_rng(0)
#: Blocks of colour with fine structure in them; the same blurred, and with noise; noise alone; grey; black.
SOFT = np.kron(_RANDOM.integers(20, 235, (6, 9, 3)), np.ones((8, 8, 1)))
SOFT = np.clip(SOFT + _RANDOM.normal(0, 12, SOFT.shape), 0, 255).astype(np.uint8)
BLURRED, LESS_BLURRED = (gaussian_filter(SOFT, (sigma, sigma, 0)) for sigma in (2.5, 1.4))
NOISY = np.clip(SOFT + _RANDOM.normal(0, 60, SOFT.shape), 0, 255).astype(np.uint8)
STATIC = _RANDOM.integers(0, 255, SOFT.shape).astype(np.uint8)
COARSE = np.kron(_RANDOM.integers(0, 255, (2, 3, 3)), np.ones((24, 24, 1))).astype(np.uint8)
FLAT = np.full_like(SOFT, 128)


def blocks(side: int) -> np.ndarray:
    """Blocks of colour of so many pixels."""
    sides = [-(-each // side) for each in SOFT.shape[:2]]
    drawn = np.random.default_rng(1).integers(60, 195, (*sides, 3))
    return np.kron(drawn, np.ones((side, side, 1)))[: SOFT.shape[0], : SOFT.shape[1]].astype(np.uint8)


GOOD, POOR = {"style": 0.1, "content": 0.1}, {"style": 0.95, "content": 0.95}


def trace(
    final: float = 10.0, pace: float = 1.0, rounds: float = 0.9, first: float = 1e5, start: float = 1e6, rises: int = 0
) -> Trace:
    """200 evaluations that take `pace` seconds each; the loss falls by `rounds` within the last 20.

    Args:
        start, first: the loss before the first evaluation and after 20.
        rises: how many of its steps go up, before the last.
    """
    totals = [start, *np.linspace(first, final / (1 - rounds) if rounds < 1 else first, 9), final]
    for place in range(rises):
        totals[2 + place] = totals[1 + place] * 1.01
    return Trace(
        tuple(
            Iterate(20 * number, 20 * number, pace * 20 * number, total, total, total, total)
            for number, total in enumerate(totals)
        )
    )


def measures(style: float, content: float, **others: float) -> dict[str, float]:
    """By all judges of looks alike, unless told by name."""
    found = {name: value for judge in LOOKS for name, value in ((judge.style, style), (judge.content, content))}
    return {**found, "colour_content": 0.3, **others}


def finding(
    key: tuple[str, ...],
    sample: Sample = _FIRST,
    *,
    picture: np.ndarray = SOFT,
    style_picture: np.ndarray = COARSE,
    status: str = "done",
    style: float = 0.3,
    content: float = 0.3,
    told: Mapping[str, float] | None = None,
    variant: tuple[tuple[str, str], ...] = (),
    reason: str = "",
    nature: str = "",
    network: Mapping[str, float] | None = None,
    **of_trace: float,
) -> Finding:
    """A cell; one whose key names the method has a network of 100 steps, half a second each."""
    done = status == "done"
    trained = "feedforward" in key
    manifest: dict[str, Any] = {"weights": {"source": "a place", "note": ""}}
    manifest |= {"network": {"steps": 100, "seconds": 50.0, **(network or {})}} if trained else {}
    cell = ReportCell(
        sample.content,
        sample.style,
        key[1],
        status,  # type: ignore[arg-type]
        manifest if done else None,
        reason=reason,
        nature=nature,
        variant=variant,
        measures=measures(style, content, **(told or {})) if done else None,
        method="feedforward" if trained else "optimize",
    )
    return Finding(key, cell, lambda: trace(**of_trace), lambda: picture, lambda: SOFT, lambda: style_picture)


Changes = Mapping[tuple[str, ...], Mapping[str, Any]]


def evidence_for(
    paper: Paper, changes: Changes | None = None, samples: Sequence[Sample] = (), setup: Setup = SETUP
) -> Evidence:
    """Every cell of a paper's studies, alike but for the changes; a change for the start of a key holds for all.

    Changes for ("computed", name) are of pictures that no cell made.
    """
    changes = changes or {}
    wanted = tuple(samples) or setup.samples
    findings: dict[Any, Finding] = {}
    for name in setup.studies(paper):
        study = setup.study(paper, name)
        for combination in study.combinations():
            for backbone, method in itertools.product(combination.backbones, study.methods):
                named = () if method == "optimize" else (method,)
                labels = [label for _, label in without_seed(combination.variant)]
                key = (name, backbone, *named, *labels)
                told: dict[str, Any] = {}
                for start, change in changes.items():
                    if key[: len(start)] == start:
                        told |= change
                special = study.contents == setup.portraits or study.styles == setup.portraits
                of = [Sample(study.contents[0], study.styles[0])] if special else wanted
                for sample in of:
                    findings[sample, key] = finding(key, sample, variant=combination.variant, **told)
    computed = {name: measures(1 - share, share) for name, share in zip(FADES, (0.25, 0.5, 0.75), strict=True)}
    computed |= {"untouched": measures(1.0, 0.0), "recoloured": measures(0.8, 0.2), "flat": measures(1.5, 0.6)}
    computed |= {CROPS: {"auc_vgg19": 1.0}, RESCALING: {"deviation": 0.0}}
    for start, change in changes.items():
        if start[0] == "computed":
            computed[start[1]] = {**computed[start[1]], **change}
    known = {key for _, key in findings} | {("computed", name) for name in computed}
    unused = [start for start in changes if not any(key[: len(start)] == start for key in known)]
    assert not unused, unused
    return Evidence(findings, wanted, {sample.pair: computed for sample in wanted}, setup.portraits)


def claim_of(paper: str, words: str):
    (claim,) = (claim for claim in PAPERS[paper].claims if words in claim.text)
    return claim
