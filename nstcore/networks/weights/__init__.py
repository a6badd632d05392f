"""Where pretrained weights come from: ordered sources, checksums, conversion, provenance.

Importing this package does not import Keras.
"""

from nstcore.networks.weights import pinned
from nstcore.networks.weights.provenance import Provenance
from nstcore.networks.weights.sources import fetch, load_network, locate

__all__ = ["Provenance", "fetch", "load_network", "locate", "pinned"]
