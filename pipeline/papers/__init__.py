"""The papers: what to run for each, what each reports and claims, and how our cells answer."""

from __future__ import annotations

from nstcore import ConfigError
from pipeline.papers.bordag import BORDAG
from pipeline.papers.evidence import Evidence, Sample, key_of, sample_of
from pipeline.papers.finding import Finding, Key, Missing
from pipeline.papers.gupta import GUPTA
from pipeline.papers.khan import KHAN
from pipeline.papers.lisciandrello import LISCIANDRELLO
from pipeline.papers.paper import Claim, Exhibit, Paper, Scale
from pipeline.papers.setup import Setup
from pipeline.papers.verdict import Verdict
from pipeline.papers.xu import XU

__all__ = [
    "PAPERS",
    "Claim",
    "Evidence",
    "Exhibit",
    "Finding",
    "Key",
    "Missing",
    "Paper",
    "Sample",
    "Scale",
    "Setup",
    "Verdict",
    "choose",
    "key_of",
    "sample_of",
]

PAPERS: dict[str, Paper] = {paper.key: paper for paper in (GUPTA, LISCIANDRELLO, XU, BORDAG, KHAN)}


def choose(name: str) -> list[Paper]:
    """The paper of a name, or all of them for "all".

    Raises:
        ConfigError: for an unknown name, listing the known ones.
    """
    if name == "all":
        return list(PAPERS.values())
    if name not in PAPERS:
        raise ConfigError(f"unknown paper; expected all or one of {', '.join(PAPERS)}. Received: paper={name!r}")
    return [PAPERS[name]]
