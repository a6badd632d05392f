"""How plots and reports write and order backbones, those the registry does not know included."""

from __future__ import annotations

from nstcore.networks.backbones import BACKBONES, FURTHER


def display_name(backbone: str) -> str:
    """How people write a backbone's name: "VGG19" for "vgg19"."""
    known = {**FURTHER, **BACKBONES}
    return known[backbone].application if backbone in known else backbone


def backbone_order(backbone: str) -> tuple[int, str]:
    """Sort key: the order of the registry, then the names it does not know."""
    return (list(BACKBONES).index(backbone) if backbone in BACKBONES else len(BACKBONES), backbone)
