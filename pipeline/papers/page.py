"""A paper's verdicts and exhibits to a page, and all papers' verdicts to the overview."""

from __future__ import annotations

import json
import shlex
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, get_args

from nstcore.system.files import encodable
from pipeline.papers.computed import BASELINES
from pipeline.papers.evidence import Evidence, Sample, View
from pipeline.papers.finding import Finding, Missing, weights_line
from pipeline.papers.judging import LOOKS, score
from pipeline.papers.paper import Exhibit, Paper, Table
from pipeline.papers.quantity import FEWEST_FOR_A_TEST
from pipeline.papers.setup import LARGE_CONTENTS, LARGE_STYLES, SAMPLE_PORTRAITS, USUAL_CONTENT, USUAL_STYLE, Setup
from pipeline.papers.statistics import median_interval
from pipeline.papers.verdict import Outcome, verdicts
from pipeline.report.page import PageFigure
from pipeline.report.templating import environment

#: Where figures of the pictures that no transfer made are, among those of exhibits.
UNTRANSFERRED = "untransferred"


def page_name(paper: str) -> str:
    return f"{paper}.html"


def heading(paper: Paper) -> str:
    """Its authors and title: the citation up to the end of the title, which stands in quotation marks."""
    return paper.citation.partition("”")[0].replace("“", "").strip(" ,.")


def judge(paper: Paper, setup: Setup, evidence: Evidence) -> dict[str, Any]:
    """What the overview says of a paper, as plain data for JSON: its claims with their verdicts, and what failed.

    A cell that diverges has not failed: that is what its settings do, and another run would not change it.
    """
    scale = setup.scale(paper)
    judged = [
        {
            "text": claim.text,
            "where": claim.where,
            "exhibit": claim.exhibit,
            "differs": claim.differs,
            "kind": claim.kind,
            **asdict(verdict),
        }
        for claim, verdict in zip(paper.claims, verdicts(paper.claims, evidence), strict=True)
    ]
    without_picture = [finding for finding in evidence.each() if finding.cell.status == "failed"]
    return {
        "key": paper.key,
        "page": page_name(paper.key),
        "heading": heading(paper),
        "citation": paper.citation,
        "size": scale.size,
        "iterations": scale.iterations,
        "claims": judged,
        "failed": _told(finding for finding in without_picture if not finding.diverged),
        "diverged": _told(finding for finding in without_picture if finding.diverged),
        "weights": _weights(evidence),
        "untrained": _untrained(evidence),
    }


def _told(findings: Iterable[Finding]) -> list[tuple[str, str, str, str]]:
    """Which cells have no picture, and why."""
    return sorted({(each.cell.content, each.cell.style, each.name, each.cell.reason) for each in findings})


def command(paper: str, setup: Setup) -> str:
    """The command that makes a page again, as a person types it."""
    default, flags = Setup("inputs/content", "inputs/style", (USUAL_CONTENT,), (USUAL_STYLE,)), ["--paper", paper]
    flags += ["--content-dir", setup.content_dir] if setup.content_dir != default.content_dir else []
    flags += ["--style-dir", setup.style_dir] if setup.style_dir != default.style_dir else []
    flags += ["--large"] if setup.large else []
    usual = (LARGE_CONTENTS, LARGE_STYLES) if setup.large else (default.contents, default.styles)
    one = len(setup.pairs) == 1 and not setup.large
    for name, chosen, left_out in zip(("--content", "--style"), (setup.contents, setup.styles), usual, strict=True):
        if tuple(chosen) != left_out:
            flags += [name, chosen[0]] if one else [f"{name}s", json.dumps(chosen)]
    others = [name for name in setup.portraits if name not in SAMPLE_PORTRAITS]
    flags += ["--portraits", json.dumps(setup.portraits)] if others else []
    flags += ["--weights", setup.weights] if setup.weights != default.weights else []
    flags += ["--settings", json.dumps(dict(setup.settings))] if setup.settings else []
    flags += ["--photographs-dir", setup.photographs_dir] if setup.photographs_dir else []
    flags += ["--papers-own-size"] if setup.own_size else []
    flags += ["--size", str(setup.size)] if setup.size else []
    flags += ["--iterations", str(setup.iterations)] if setup.iterations else []
    return shlex.join(["luigi", "--module", "tasks", "PaperFigures", *flags])


def paper_html(
    paper: Paper,
    setup: Setup,
    evidence: Evidence,
    summary: Mapping[str, Any],
    figures: Mapping[str, Sequence[PageFigure]],
    reports: Sequence[tuple[str, str]],
) -> str:
    """The page of a paper.

    Args:
        summary: what `judge` gave.
        figures: ours, by the exhibit's key, or under `UNTRANSFERRED`; paths are relative to the page, unquoted.
        reports: title and path of each study's own report.

    Returns:
        HTML to be written as UTF-8, with no script and no other file than `figures`.
    """
    shown = [(exhibit, _our_table(exhibit, evidence), figures.get(exhibit.key, ())) for exhibit in paper.exhibits]
    return _render(
        "paper.html",
        paper=paper,
        heading=summary["heading"],
        scale=setup.scale(paper),
        pairs=_pairs(setup),
        command=command(paper.key, setup),
        fewest=FEWEST_FOR_A_TEST,
        judges=LOOKS,
        baselines=_baselines(evidence),
        untransferred=figures.get(UNTRANSFERRED, ()),
        judged=summary["claims"],
        counts=_counts(summary["claims"]),
        diverged=summary["diverged"],
        weights=summary["weights"],
        untrained=summary["untrained"],
        shown=shown,
        reports=reports,
    )


def overview_html(paper: str, summaries: Sequence[Mapping[str, Any]], setup: Setup) -> str:
    """The page that says claim by claim what became of it.

    Args:
        paper: the key of the one that was asked for, or "all".
    """
    return _render(
        "index.html",
        papers=summaries,
        pairs=_pairs(setup),
        command=command(paper, setup),
        fewest=FEWEST_FOR_A_TEST,
        judges=LOOKS,
        counts=_counts(claim for summary in summaries for claim in summary["claims"]),
        weights=sorted({line for summary in summaries for line in summary["weights"]}),
        untrained=any(summary["untrained"] for summary in summaries),
    )


def _render(template: str, **values: Any) -> str:
    return encodable(environment().get_template(f"papers/{template}").render(**values))


def _our_table(exhibit: Exhibit, evidence: Evidence) -> Table | None:
    if exhibit.our_table is None:
        return None
    try:
        return exhibit.our_table(_first_view(evidence))
    except Missing as missing:
        return Table(("Not known",), ((f"{missing}.",),))


def _first_view(evidence: Evidence) -> View:
    if not evidence.samples:
        raise Missing("nothing was run")
    return evidence.view(evidence.samples[0])


def _pairs(setup: Setup) -> dict[str, Any]:
    """Which pictures, for a sentence."""
    return {
        "contents": setup.contents,
        "styles": setup.styles,
        "count": len(setup.pairs),
        "seeds": len(setup.seeds),
        "fewer": setup.fewer if setup.takes_fewer else None,
    }


def _baselines(evidence: Evidence) -> Table | None:
    """What pictures that take no transfer score, medians over the pairs; None where they were not measured."""
    if not evidence.computed:
        return None
    rows = []
    for name in BASELINES:
        scores = (
            {pair: score(evidence.view(Sample(*pair)).computed(name), judge) for pair in evidence.computed}
            for judge in LOOKS
        )
        rows.append((name, *map(_median_told, scores)))
    pairs = len(evidence.computed)
    head = f"Picture without a transfer, n = {pairs} pair{'s' if pairs > 1 else ''}"
    return Table((head, *(judge.title for judge in LOOKS)), tuple(rows))


def _median_told(values: Mapping[tuple[str, str], float]) -> str:
    low, high = median_interval(values)
    interval = f" ({low:.2f} to {high:.2f})" if low == low else ""
    return f"{statistics.median(values.values()):.2f}{interval}"


def _counts(claims: Iterable[Mapping[str, Any]]) -> list[tuple[str, int]]:
    counted = Counter(claim["outcome"] for claim in claims)
    return [(outcome, counted[outcome]) for outcome in get_args(Outcome) if counted[outcome]]


def _weights(evidence: Evidence) -> list[str]:
    """Every distinct set of weights, as a line."""
    return sorted({weights_line(*each) for finding in evidence.each() for each in finding.weights})


def _untrained(evidence: Evidence) -> bool:
    """Whether any of the networks has random weights, as tests do."""
    records = (finding.cell.manifest or {} for finding in evidence.each())
    return any(str((record.get("weights") or {}).get("note") or "").startswith("random") for record in records)
