"""Khan, Naseh, Sumanth and Hazra: what of it is open."""

from __future__ import annotations

from pipeline.papers.evidence import Evidence
from pipeline.papers.paper import Claim, Paper, Scale, Verdict


def _open(evidence: Evidence) -> Verdict:
    return Verdict(
        "open",
        "Adam, weights rescaled to a mean activation of 1, and feed-forward networks do not exist here yet.",
    )


KHAN = Paper(
    key="khan",
    citation="Khan, Naseh, Sumanth, Hazra: “Neural Style Transfer in Images using Deep Learning”, SRMIST, Chennai.",
    summary="PyTorch: rescaled VGG19 with average pooling, Adam and total variation; then a feed-forward network "
    "trained with the perceptual loss.",
    studies={},
    exhibits=(),
    claims=(
        Claim(
            "A feed-forward network for one style takes hours to train and under a second a picture.",
            "results",
            "",
            _open,
        ),
    ),
    scaled=Scale(160, 100, "Nothing is run."),
    own=Scale(512, 500, "Nothing is run."),
)
