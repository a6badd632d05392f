"""The errors a person can cause or mend. Commands print them as one line; all else is a bug and keeps its traceback."""


class StyleTransferError(Exception):
    """Base of every error whose message is meant for the person running the project."""


class ConfigError(StyleTransferError, ValueError):
    """A setting is unknown, out of range or contradicts another."""


class PictureError(StyleTransferError, ValueError):
    """A picture is missing, unreadable or too small."""


class InputError(StyleTransferError, OSError):
    """A file that is neither a picture nor weights cannot be read."""


class OutputError(StyleTransferError, OSError):
    """A file cannot be written."""


class WeightsError(StyleTransferError, RuntimeError):
    """Trained weights cannot be found, fetched or fitted to their network."""


class MemoryShortageError(StyleTransferError, MemoryError):
    """A picture is too large for the memory that is free."""


class DivergenceError(StyleTransferError, ArithmeticError):
    """A loss became NaN or infinite during optimisation."""
