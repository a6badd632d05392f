"""From the samples of a picture as a file stores them to RGB on white in sRGB, for any part of it."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, TiffImagePlugin

from nstcore.errors import PictureError
from nstcore.pictures.undecodable import UndecodableError

# TIFF 6.0, section 8
_BITS_PER_SAMPLE, _PHOTOMETRIC = 258, 262
_WHITE_IS_ZERO = 0


def flatten_alpha(samples: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lay (H, W, 2) grey and alpha or (H, W, 4) RGB and alpha on white.

    Returns:
        uint8 (H, W, 1) or (H, W, 3): colour · alpha + white · (1 − alpha), rounded.
    """
    color, alpha = samples[..., :-1].astype(np.uint16), samples[..., -1:].astype(np.uint16)
    sums = color * alpha + 255 * (255 - alpha) + 127
    return ((sums + 1 + (sums >> 8)) >> 8).astype(np.uint8)  # sums // 255, for all below 65535, in half the time


def rgb_of(array: NDArray[Any]) -> NDArray[np.uint8]:
    """The picture that an array is: uint8 (H, W, 3); one that has that shape is returned as it is.

    Args:
        array: uint8 (H, W) or (H, W, 1) grey, (H, W, 2) grey and alpha, (H, W, 3) RGB, or (H, W, 4) RGB and alpha.

    Raises:
        PictureError: for any other.
    """
    channels = 1 if array.ndim == 2 else array.shape[-1] if array.ndim == 3 else 0
    if array.dtype != np.uint8 or channels not in (1, 2, 3, 4) or array.size == 0:
        raise PictureError(
            "array is not a picture; expected uint8 (height, width, 3) RGB, 0 to 255. "
            f"Received: dtype={array.dtype}, shape={array.shape}"
        )
    if channels == 3:
        return array
    if array.ndim == 2:
        array = array[..., None]
    if channels in (2, 4):
        array = flatten_alpha(array)
    return np.repeat(array, 3, axis=2) if array.shape[2] == 1 else array


class ToRgb:
    """From a part of an opened picture, as Pillow stores it, to RGB on white in sRGB."""

    def __init__(self, opened: Image.Image) -> None:
        self._white, self._inverted = 65535, False
        if isinstance(opened, TiffImagePlugin.TiffImageFile):
            bits = int(opened.tag_v2.get(_BITS_PER_SAMPLE, (16,))[0])
            self._white = 2 ** min(bits, 16) - 1
            # Pillow inverts 8 bits but not 16
            self._inverted = opened.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO
        self._to_srgb = ToSrgb(opened.info.get("icc_profile"))

    def __call__(self, image: Image.Image) -> Image.Image:
        if image.mode.startswith("I"):
            image = self._eight_bit_gray(image)
        if image.has_transparency_data:
            image = _scale_transparent_color(image).convert("RGBA")
            alpha = image.getchannel("A")
            image = self._to_srgb(image.convert("RGB"))
            image.putalpha(alpha)
            return Image.fromarray(flatten_alpha(np.asarray(image)))
        if image.mode in ("1", "P"):
            image = image.convert("L" if image.mode == "1" else "RGB")
        return self._to_srgb(image)

    def _eight_bit_gray(self, image: Image.Image) -> Image.Image:
        """Grey of more than 8 bits (modes I and I;16) as L, or as LA where one grey value was declared transparent."""
        gray, white = np.asarray(image), self._white
        if gray.min() < 0 or gray.max() > white:
            raise UndecodableError(
                "stores signed or 32-bit values, which have no agreed white; save it with 8 or 16 bits"
            )
        gray = gray.astype(np.uint32)
        if self._inverted:
            gray = white - gray
        eight = Image.fromarray(((gray * 255 + white // 2) // white).astype(np.uint8))
        clear = image.info.get("transparency")
        if isinstance(clear, int):
            eight.putalpha(Image.fromarray(np.where(gray == clear, 0, 255).astype(np.uint8)))
        return eight


class ToOpacity(ToRgb):
    """From a part of an opened picture with transparency to its opacity, in all three channels."""

    def __call__(self, image: Image.Image) -> Image.Image:
        if image.mode.startswith("I"):
            image = self._eight_bit_gray(image)
        return Image.merge("RGB", [_scale_transparent_color(image).convert("RGBA").getchannel("A")] * 3)


def _scale_transparent_color(image: Image.Image) -> Image.Image:
    """Give the transparent colour of a 16-bit RGB PNG the 8 bits that Pillow gave the pixels."""
    clear = image.info.get("transparency")
    if image.mode == "RGB" and isinstance(clear, tuple) and max(clear) > 255:
        image.info["transparency"] = tuple(value >> 8 for value in clear)
    return image


class ToSrgb:
    """Converts to RGB through an embedded profile, or plainly where there is none or none that fits."""

    def __init__(self, profile: bytes | None) -> None:
        self._profile = profile
        self._transforms: dict[str, ImageCms.ImageCmsTransform | None] = {}

    def __call__(self, image: Image.Image) -> Image.Image:
        if image.mode not in self._transforms:
            self._transforms[image.mode] = self._transform(image.mode)
        transform = self._transforms[image.mode]
        return transform.apply(image) if transform else image.convert("RGB")

    def _transform(self, mode: str) -> ImageCms.ImageCmsTransform | None:
        if not self._profile:
            return None
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(self._profile))
            return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            return None  # a broken profile, or a grey profile in a colour picture: viewers ignore it too
