"""What Khan, Naseh, Sumanth and Hazra claim of networks that are trained for a style, and how our cells answer."""

from __future__ import annotations

import math

from pipeline.papers.judging import alike, by_looks, content_lost
from pipeline.papers.khan_networks import (
    NEAREST,
    OPTIMIZED,
    REALISTIC,
    STOPPED,
    difference_of_weights,
    loss_over,
    more_of_a_grid,
    optimizations_in_a_training,
    passes_in_an_optimization,
    seconds_of_a_pass,
    seconds_of_a_training,
    seconds_of_an_optimization,
    weaker,
)
from pipeline.papers.khan_studies import ITERATIONS, STEPS
from pipeline.papers.paper import Claim
from pipeline.papers.quantity import Quantity, at_least, at_most
from pipeline.papers.thresholds import CLEAR, INVISIBLE, LESS, VISIBLE

#: Their words, in seconds and hours: "less than a second", "a few hours", of which less than half of one is none.
A_SECOND, AN_HOUR, NO_HOURS = 1.0, 1.0, 0.5
#: Powers of ten that round to three, and those that are a whole one short of it.
THREE_ORDERS, TWO_ORDERS = 2.5, 2.0
#: A loss of so many times another is comparable.
COMPARABLE = 1.5
#: So many times as long is much longer.
MUCH_LONGER = 10.0
#: Decibels by which a grid stands out more in one picture than in another: twice the power, and half of it.
MORE_OF_A_GRID, LESS_OF_A_GRID = 3.0, -3.0

_COUNTS = (
    f"The paper counts neither steps nor iterations. The time of one here is taken {STEPS:,} times for a training, as "
    f"Johnson et al. 2016 train, and {ITERATIONS} times for an optimisation; at a small scale network and batches are "
    "smaller than theirs."
)

NETWORK_CLAIMS = (
    Claim(
        "A trained network makes a picture in less than a second.",
        "section III",
        "networks",
        quantities=(
            Quantity("Seconds of one pass", seconds_of_a_pass, at_most(A_SECOND), at_least(A_SECOND), null=None),
        ),
        differs="At the size of this run, on this machine; the network is loaded and compiled before.",
    ),
    Claim(
        "It is three orders of magnitude faster than optimisation.",
        "section II-F",
        "networks",
        kind="not testable",
        reason=f"The paper counts no iterations, and the factor is as many times one pass as they are: {ITERATIONS} of "
        "ours stand in.",
        quantities=(
            Quantity(
                f"Powers of ten between {ITERATIONS} iterations and one pass",
                lambda view: math.log10(passes_in_an_optimization(view)),
                at_least(THREE_ORDERS),
                at_most(TWO_ORDERS),
                null=None,
            ),
            Quantity(
                "Powers of ten as run",
                lambda view: math.log10(max(view[OPTIMIZED].final.seconds, 1e-9) / seconds_of_a_pass(view)),
                at_least(THREE_ORDERS),
                at_most(TWO_ORDERS),
                null=None,
                decides=False,
            ),
        ),
    ),
    Claim(
        "It is much faster than optimisation.",
        "section III",
        "networks",
        quantities=(
            Quantity(
                f"Time of {ITERATIONS} iterations over that of one pass",
                passes_in_an_optimization,
                at_least(MUCH_LONGER),
                at_most(LESS),
                null=None,
            ),
        ),
        differs=_COUNTS,
    ),
    Claim(
        "Its pictures are as convincing as optimised ones.",
        "sections II-F and III",
        "networks",
        quantities=alike("Difference of the scores of network and optimisation", NEAREST, OPTIMIZED, far=False),
        differs="A small scale's training has less than a hundredth of Johnson's steps, and sees no more photographs "
        "than there are: pictures that are far apart say nothing of a longer one, and are no opposite.",
    ),
    Claim(
        "Its values of the losses are comparable to those of optimisation.",
        "section III",
        "networks",
        quantities=(
            *(
                Quantity(
                    f"{term.capitalize()} loss over that of the optimised",
                    lambda view, term=term: loss_over(view, NEAREST, OPTIMIZED, term),  # type: ignore[misc]
                    at_most(COMPARABLE),
                    null=None,
                    decides=term != "total",
                )
                for term in ("content", "style", "total")
            ),
        ),
        differs="A small scale's training has less than a hundredth of Johnson's steps: losses that are far apart say "
        "nothing of a longer one, and are no opposite.",
    ),
    Claim(
        "Training takes much longer than optimising a picture.",
        "section III",
        "networks",
        quantities=(
            Quantity(
                f"{STEPS:,} steps of training over {ITERATIONS} iterations",
                lambda view: seconds_of_a_training(view) / seconds_of_an_optimization(view),
                at_least(MUCH_LONGER),
                at_most(LESS),
                null=None,
            ),
            Quantity(
                "Training over optimisation, as run",
                optimizations_in_a_training,
                at_least(MUCH_LONGER),
                at_most(LESS),
                null=None,
                decides=False,
            ),
        ),
        differs=_COUNTS,
    ),
    Claim(
        "Training takes a few hours.",
        "section IV",
        "networks",
        kind="not testable",
        reason=f"Neither their machine nor their steps are known. The time of a step here, {STEPS:,} times, stands in.",
        quantities=(
            Quantity(
                "Hours of a training",
                lambda view: seconds_of_a_training(view) / 3600,
                at_least(AN_HOUR),
                at_most(NO_HOURS),
                null=None,
            ),
        ),
    ),
    Claim(
        "Stopping the training earlier gives noticeably weaker results.",
        "section IV",
        "networks",
        quantities=(
            *by_looks(
                "Score of the network stopped after a tenth above that of the whole training",
                weaker,
                at_least(CLEAR),
                at_most(-CLEAR),
            ),
            Quantity(
                "Loss of its picture over that of the whole training",
                lambda view: loss_over(view, STOPPED, NEAREST),
                at_least(COMPARABLE),
                at_most(1.0),
                null=1.0,
                decides=False,
            ),
        ),
        note="The same training, with the same crops in the same order at an unchanging rate, ended after a tenth.",
    ),
    Claim(
        "A network is limited to the styles that it was trained for.",
        "sections III and IV",
        "networks",
        kind="not testable",
        reason="It is so by construction: a network is given the photograph and nothing that tells of a style. What "
        "another style costs stands in: the time of its training, in optimised pictures.",
        quantities=(
            Quantity(
                "Optimised pictures that a training costs, as run",
                optimizations_in_a_training,
                at_least(MUCH_LONGER),
                at_most(LESS),
            ),
        ),
    ),
    Claim(
        "The weights of content and style cannot be altered after the training.",
        "section IV",
        "networks",
        kind="not testable",
        reason="It is so by construction: no weight of a loss is given to a network. How far its picture is from that "
        "of a network trained with ten times the content weight stands in: what cannot be had without it.",
        quantities=(
            Quantity(
                "Difference of the two pictures, of 255",
                difference_of_weights,
                at_least(VISIBLE),
                at_most(INVISIBLE),
                null=None,
            ),
            *by_looks(
                "Content lost above that with ten times the content weight",
                lambda view, judge: content_lost(view[NEAREST], judge) - content_lost(view[REALISTIC], judge),
                at_least(CLEAR),
                at_most(-CLEAR),
            ),
        ),
    ),
    Claim(
        "Results of both ways to enlarge, transposed convolutions and nearest neighbors, are shown.",
        "section III",
        "networks",
        kind="not testable",
        reason="Both are announced, one result is there, and no word compares them. What Odena et al. 2016 say of the "
        "two stands in: transposed convolutions leave a checkerboard.",
        quantities=tuple(
            Quantity(
                f"Grid of period {period} with transposed convolutions above that with nearest neighbors, decibels",
                lambda view, period=period: more_of_a_grid(view, period),  # type: ignore[misc]
                at_least(MORE_OF_A_GRID),
                at_most(LESS_OF_A_GRID),
                decides=period == 2,
            )
            for period in (2, 4)
        ),
        note="The last of two steps by which the network enlarges leaves period 2, the one before period 4.",
    ),
)
