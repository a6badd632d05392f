"""Luigi tasks: `luigi --module tasks FullGrid`."""

from nstcore.quiet import quiet_tensorflow
from tasks.figures import ImageGrid, LossPlot, SummaryPlot, TermsPlot, TimePlot
from tasks.grid import FailedCell, FullGrid
from tasks.inputs import BackboneWeights, Picture
from tasks.reports import GridReport, GridTable
from tasks.transfer import ComputeContentTarget, ComputeStyleTarget, Transfer

quiet_tensorflow()

__all__ = [
    "BackboneWeights",
    "ComputeContentTarget",
    "ComputeStyleTarget",
    "FailedCell",
    "FullGrid",
    "GridReport",
    "GridTable",
    "ImageGrid",
    "LossPlot",
    "Picture",
    "SummaryPlot",
    "TermsPlot",
    "TimePlot",
    "Transfer",
]
