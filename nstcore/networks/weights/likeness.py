"""What a weights file seems to be, for the line that refuses it."""

from __future__ import annotations

import math

from nstcore.networks.weights.keras_files import StoredNetwork

# How many numbers the convolutional part of each network of `keras.applications` has (3.15). No two have as many.
_SIZES = {
    939_120: "MobileNetV3Small",
    2_257_984: "MobileNetV2",
    2_996_352: "MobileNetV3Large",
    3_228_864: "MobileNet",
    4_049_571: "EfficientNetB0",
    4_267_604: "NASNetMobile",
    5_919_312: "EfficientNetV2B0",
    6_575_239: "EfficientNetB1",
    6_931_124: "EfficientNetV2B1",
    7_037_504: "DenseNet121",
    7_768_569: "EfficientNetB2",
    8_769_374: "EfficientNetV2B2",
    10_783_535: "EfficientNetB3",
    12_642_880: "DenseNet169",
    12_930_622: "EfficientNetV2B3",
    14_714_688: "VGG16",
    17_673_823: "EfficientNetB4",
    18_321_984: "DenseNet201",
    20_024_384: "VGG19",
    20_331_360: "EfficientNetV2S",
    20_861_480: "Xception",
    21_802_784: "InceptionV3",
    23_564_800: "ResNet50V2",
    23_587_712: "ResNet50",
    27_820_128: "ConvNeXtTiny",
    28_513_527: "EfficientNetB5",
    40_960_143: "EfficientNetB6",
    42_626_560: "ResNet101V2",
    42_658_176: "ResNet101",
    49_454_688: "ConvNeXtSmall",
    53_150_388: "EfficientNetV2M",
    54_336_736: "InceptionResNetV2",
    58_331_648: "ResNet152V2",
    58_370_944: "ResNet152",
    64_097_687: "EfficientNetB7",
    84_887_922: "NASNetLarge",
    87_566_464: "ConvNeXtBase",
    117_746_848: "EfficientNetV2L",
    196_230_336: "ConvNeXtLarge",
    348_147_968: "ConvNeXtXLarge",
}


def likeness(stored: StoredNetwork) -> str | None:
    """The network of `keras.applications` that has the size of what a file holds besides a classifier, or None."""
    sizes = {
        place: sum(math.prod(variable.shape) for variable in layer.variables) for place, layer in stored.layers.items()
    }
    # Most networks are dense in their classifier alone, some all through.
    dense = {
        place for place, layer in stored.layers.items() if any(len(variable.shape) == 2 for variable in layer.variables)
    }
    without = sum(size for place, size in sizes.items() if place not in dense)
    return _SIZES.get(without) or _SIZES.get(sum(sizes.values()))
