"""Luigi tasks: `luigi --module tasks FullGrid`, `luigi --module tasks Sweep --config study.toml`, `NightlyGrid`."""

from luigi.tools.range import RangeDailyBase

from nstcore.system.quiet import quiet_matplotlib, quiet_tensorflow
from nstcore.system.streams import prepare_streams
from tasks.border import guard
from tasks.defaults import bring_defaults
from tasks.feedforward import ApplyNetwork, TrainNetwork
from tasks.figure_sets import FigureSet
from tasks.figures import (
    FrontsPlot,
    ImageGrid,
    LossPlot,
    SummaryPlot,
    TermsPlot,
    TimePlot,
    TrainingFigure,
    VariantTable,
)
from tasks.glances import schedule_at_a_glance
from tasks.grid import FullGrid, Sweep
from tasks.inputs import BackboneWeights, OutputFolder, Picture
from tasks.lock import lock_by_any_command_line
from tasks.logs import name_cells
from tasks.measures import JudgeWeights, MeasureCell
from tasks.nightly import NightlyGrid, WorseCell
from tasks.page import Ballot, Gallery, GridReport
from tasks.papers import PaperFigures, PaperPage, PaperStudy
from tasks.sharing import Elsewhere
from tasks.study import FailedCell
from tasks.table import GridTable
from tasks.targets import ComputeContentTarget, ComputeStyleTarget
from tasks.transfer import Transfer
from tasks.workers import install

prepare_streams()
quiet_tensorflow()
quiet_matplotlib()
lock_by_any_command_line()
bring_defaults()
guard()
name_cells()
schedule_at_a_glance()
install()

__all__ = [
    "ApplyNetwork",
    "BackboneWeights",
    "Ballot",
    "ComputeContentTarget",
    "ComputeStyleTarget",
    "Elsewhere",
    "FailedCell",
    "FigureSet",
    "FrontsPlot",
    "FullGrid",
    "Gallery",
    "GridReport",
    "GridTable",
    "ImageGrid",
    "JudgeWeights",
    "LossPlot",
    "MeasureCell",
    "NightlyGrid",
    "OutputFolder",
    "PaperFigures",
    "PaperPage",
    "PaperStudy",
    "Picture",
    "RangeDailyBase",
    "SummaryPlot",
    "Sweep",
    "TermsPlot",
    "TimePlot",
    "TrainNetwork",
    "TrainingFigure",
    "Transfer",
    "VariantTable",
    "WorseCell",
]
