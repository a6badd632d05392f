"""Where pretrained weights come from: ordered sources, checksums, conversion, provenance.

Importing this package does not import Keras.
"""

from nstcore.weights import pinned
from nstcore.weights.provenance import Provenance
from nstcore.weights.sources import fetch, load_network, locate

__all__ = ["Provenance", "fetch", "load_network", "locate", "pinned"]
