"""A paper's verdicts and exhibits to a page, and all papers' verdicts to the overview."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from nstcore.system.files import encodable
from pipeline.grid.backbone_labels import display_name
from pipeline.papers.evidence import Evidence, Missing
from pipeline.papers.paper import Exhibit, Outcome, Paper, Table
from pipeline.papers.setup import Setup
from pipeline.report.page import PageFigure
from pipeline.report.page_text import url


def page_name(paper: str) -> str:
    return f"{paper}.html"


def heading(paper: Paper) -> str:
    """Its authors and title: the citation up to the end of the title, which stands in quotation marks."""
    return paper.citation.partition("”")[0].replace("“", "").strip(" ,.")


def judge(paper: Paper, setup: Setup, evidence: Evidence) -> dict[str, Any]:
    """What the overview says of a paper, as plain data for JSON: its claims with their verdicts, and what failed."""
    scale = setup.scale(paper)
    findings = evidence.findings.values()
    verdicts = [
        {"text": claim.text, "where": claim.where, "exhibit": claim.exhibit, **asdict(claim.verdict(evidence))}
        for claim in paper.claims
    ]
    failed = [
        (finding.cell.content, finding.cell.style, finding.name, finding.cell.reason)
        for finding in findings
        if finding.cell.status == "failed"
    ]
    return {
        "key": paper.key,
        "page": page_name(paper.key),
        "heading": heading(paper),
        "citation": paper.citation,
        "size": scale.size,
        "iterations": scale.iterations,
        "is_run": bool(paper.studies),
        "claims": verdicts,
        "failed": sorted(set(failed)),
        "weights": _weights(evidence),
        "untrained": _untrained(evidence),
    }


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
        figures: ours, by the exhibit's key; paths are relative to the page, unquoted.
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
        content=setup.content,
        style=setup.style,
        judged=summary["claims"],
        counts=_counts(summary["claims"]),
        weights=summary["weights"],
        untrained=summary["untrained"],
        shown=shown,
        reports=reports,
    )


def overview_html(summaries: Sequence[Mapping[str, Any]], setup: Setup) -> str:
    """The page that says claim by claim what became of it, for all papers."""
    return _render(
        "index.html",
        papers=summaries,
        content=setup.content,
        style=setup.style,
        counts=_counts(claim for summary in summaries for claim in summary["claims"]),
        weights=sorted({line for summary in summaries for line in summary["weights"]}),
        untrained=any(summary["untrained"] for summary in summaries),
    )


def _render(template: str, **values: Any) -> str:
    loader = FileSystemLoader(Path(__file__).parents[1] / "report/templates")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["url"] = url
    return encodable(environment.get_template(f"papers/{template}").render(**values))


def _our_table(exhibit: Exhibit, evidence: Evidence) -> Table | None:
    if exhibit.our_table is None:
        return None
    try:
        return exhibit.our_table(evidence)
    except Missing as missing:
        return Table(("Not known",), ((f"{missing}.",),))


def _counts(claims: Iterable[Mapping[str, Any]]) -> list[tuple[str, int]]:
    counted = Counter(claim["outcome"] for claim in claims)
    return [(outcome, counted[outcome]) for outcome in get_args(Outcome) if counted[outcome]]


def _weights(evidence: Evidence) -> list[str]:
    """Every distinct set of weights, as a line: whose, from where, and what has to be known of it."""
    lines = set()
    for finding in evidence.findings.values():
        weights = (finding.cell.manifest or {}).get("weights") or {}
        if weights:
            about = "; ".join(filter(None, (str(weights.get("source") or ""), str(weights.get("note") or ""))))
            lines.add(f"{display_name(finding.cell.backbone)}: {about}")
    return sorted(lines)


def _untrained(evidence: Evidence) -> bool:
    """Whether any of the networks has random weights, as tests do."""
    records = (finding.cell.manifest or {} for finding in evidence.findings.values())
    return any(str((record.get("weights") or {}).get("note") or "").startswith("random") for record in records)
