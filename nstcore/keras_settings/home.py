"""Where Keras keeps its settings; importing this module imports no Keras."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

from nstcore.keras_settings.start import settings_file


def pass_over_unreadable_settings() -> None:
    """Give Keras an empty home of its own where it would stumble over settings that this user may not read.

    They are another user's: of root, who was here with this home, or whoever else has no home and therefore shares
    /tmp. Call before Keras is imported.
    """
    try:
        settings_file().open("rb").close()
    except FileNotFoundError:
        return  # Keras writes one, if it can
    except OSError:
        folder = tempfile.mkdtemp(prefix="nst-keras-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.environ["KERAS_HOME"] = folder
