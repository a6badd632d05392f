"""Luigi tasks: `luigi --module tasks FullGrid`."""

from nstcore.quiet import quiet_tensorflow
from tasks.figures import ImageGrid, LossPlot
from tasks.grid import FailedCell, FullGrid
from tasks.inputs import BackboneWeights, Picture
from tasks.measures import JudgeWeights, MeasureCell
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
    "JudgeWeights",
    "LossPlot",
    "MeasureCell",
    "Picture",
    "Transfer",
]
