"""What drawing says on the terminal: nothing."""

from __future__ import annotations

from matplotlib import font_manager
from matplotlib.font_manager import FontProperties

import pipeline.report.plots.text_layout  # noqa: F401  which keeps Matplotlib quiet


def test_a_family_without_bold_is_used_without_a_word(caplog):
    """As in bold headings, which ask every family for letters that the first one lacks."""
    family = "cmr10"  # comes with Matplotlib, in one weight
    font_manager.fontManager._find_fonts_by_props(FontProperties(family=["DejaVu Sans", family], weight="bold"))
    assert caplog.text == ""
