"""Luigi tasks: `luigi --module tasks FullGrid`, `luigi --module tasks Sweep --config study.toml`."""

from nstcore.quiet import quiet_tensorflow
from tasks.figures import ImageGrid, LossPlot, SummaryPlot, TermsPlot, TimePlot, VariantTable
from tasks.grid import FullGrid, Sweep
from tasks.inputs import BackboneWeights, Picture
from tasks.papers import PaperFigures, PaperPage, PaperStudy
from tasks.reports import Gallery, GridReport, GridTable
from tasks.study import FailedCell
from tasks.transfer import ComputeContentTarget, ComputeStyleTarget, Transfer

quiet_tensorflow()

__all__ = [
    "BackboneWeights",
    "ComputeContentTarget",
    "ComputeStyleTarget",
    "FailedCell",
    "FullGrid",
    "Gallery",
    "GridReport",
    "GridTable",
    "ImageGrid",
    "LossPlot",
    "PaperFigures",
    "PaperPage",
    "PaperStudy",
    "Picture",
    "SummaryPlot",
    "Sweep",
    "TermsPlot",
    "TimePlot",
    "Transfer",
    "VariantTable",
]
