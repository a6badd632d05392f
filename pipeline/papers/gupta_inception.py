"""What Gupta, Sadana and Moudgil 2019 claim of InceptionV3, and how our cells answer."""

from __future__ import annotations

from pipeline.papers import pixels
from pipeline.papers.evidence import View
from pipeline.papers.gupta_studies import IN_RANGE, cell, ours
from pipeline.papers.judging import fails
from pipeline.papers.paper import Claim
from pipeline.papers.quantity import Quantity, at_least, at_most
from pipeline.papers.thresholds import FLAT


def _black(view: View) -> float:
    return pixels.brightness(pixels.written_unprocessed(view["range", "inceptionv3", IN_RANGE].picture))


def _spread_in_range(view: View) -> float:
    return view["range", "inceptionv3", IN_RANGE].spread


INCEPTION = (
    Claim(
        "InceptionV3 gives a black picture in all cases.",
        "section 5, figure 6",
        "black",
        kind="not testable",
        reason="The paper does not say how pictures are written. In InceptionV3's range of -1 to 1, written as if that "
        "were 0 to 255, any picture is black, whatever it shows; ours stands in, with total variation of that range.",
        quantities=(
            Quantity(
                "Mean luma of the picture, written without de-processing",
                _black,
                at_most(2 * FLAT),
                at_least(4 * FLAT),
                null=None,
            ),
        ),
    ),
    Claim(
        "The black picture shows that weights and model do not go together (InceptionV3).",
        "section 5",
        "black",
        quantities=(
            Quantity(
                "Spread of luma of the very same picture in RGB",
                _spread_in_range,
                at_most(FLAT),
                at_least(2 * FLAT),
                null=None,
            ),
            *fails("That picture", ("range", "inceptionv3", IN_RANGE)),
        ),
        differs="It is not said which weights: the network's, as here (a stand-in, trained for another task), or those "
        "of the losses. Nor does the paper say how it writes pictures.",
    ),
    Claim(
        "InceptionV3 fails at style transfer.",
        "section 6",
        "pictures",
        quantities=fails("InceptionV3", cell("inceptionv3")),
        differs="InceptionV3's weights are a stand-in, fine-tuned on another task.",
        ours=fails("InceptionV3", ours("inceptionv3")),
    ),
)
