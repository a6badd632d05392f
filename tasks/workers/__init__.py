"""Luigi's workers as a grid needs them: they wait for one another, keep their networks loaded, and tell the truth.

`install` puts them in the place of Luigi's own, for the command `luigi` and for `luigi.build`.
"""

from tasks.workers.factory import install

__all__ = ["install"]
