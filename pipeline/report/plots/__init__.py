"""Plain data to figures. Only Matplotlib's object-oriented interface is used: no window, no `pyplot`, no state."""

from nstcore.keras_settings.start import any_plot_backend

with any_plot_backend():  # this may be the first to import Matplotlib
    from pipeline.report.plots.curves import loss_per_iteration, terms_per_iteration
    from pipeline.report.plots.files import encode, save
    from pipeline.report.plots.image_grid import image_grid, picture_table
    from pipeline.report.plots.pareto import pareto_fronts
    from pipeline.report.plots.summary import SummaryCell, grid_summary
    from pipeline.report.plots.time_curves import time_and_loss
    from pipeline.report.plots.training import training_figure
    from pipeline.report.plots.variant_table import variant_table

__all__ = [
    "SummaryCell",
    "encode",
    "grid_summary",
    "image_grid",
    "loss_per_iteration",
    "pareto_fronts",
    "picture_table",
    "save",
    "terms_per_iteration",
    "time_and_loss",
    "training_figure",
    "variant_table",
]
