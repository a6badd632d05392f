"""From a picture file to the pixels a person would see: uint8 (H, W, 3) RGB, upright, on white, in sRGB.

Pillow decodes; TIFFs it has no mode for (16 bits with planes or grey with alpha) go to tifffile. `nstcore.images` is
the public face of this file and the one that turns these errors into messages with a path.
"""

from __future__ import annotations

import io
import logging
import warnings
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, TiffImagePlugin, UnidentifiedImageError

#: Formats that are pictures by their content. EPS (which would start Ghostscript), TGA (which has no signature and
#: takes other files for pictures) and JPEG 2000 (which Pillow accepts when cut short) are left out on purpose.
FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "PPM")

# Without handlers of their own, the decoders' notes on damaged files would go to stderr beside our one line. (What the
# C library libtiff prints about a few kinds of damaged TIFF cannot be kept from there.)
for _library in ("PIL", "tifffile"):
    logging.getLogger(_library).addHandler(logging.NullHandler())

_TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# TIFF 6.0, section 8
_BITS_PER_SAMPLE, _PHOTOMETRIC, _ORIENTATION, _PLANAR, _ICC_PROFILE = 258, 262, 274, 284, 34675
_WHITE_IS_ZERO, _SEPARATE_PLANES = 0, 2


class UndecodableError(Exception):
    """The bytes are no picture we can show. The message says what is wrong, then what to do."""


def decode(file: BinaryIO) -> NDArray[np.uint8]:
    """Decode the first frame of an open, seekable picture file.

    Grey becomes RGB, transparency is laid on white, 16 bits become 8, CMYK and embedded ICC profiles become sRGB and
    the EXIF orientation is applied. No warning leaves this function.

    Returns:
        uint8 (H, W, 3), RGB, 0 to 255.

    Raises:
        UndecodableError: for anything that is not one whole, ordinary picture.
    """
    with warnings.catch_warnings():
        # Pillow warns of odd metadata, which does not concern the pixels, and of pictures over 89 megapixels, which
        # cameras make; it refuses twice that size with an error.
        warnings.simplefilter("ignore")
        try:
            return _decode_with_pillow(file)
        except UndecodableError:
            raise
        except UnidentifiedImageError:
            return _decode_with_tifffile(file)
        except Image.DecompressionBombError:
            raise UndecodableError("is too large to open safely (over 178 megapixels); scale it down first") from None
        except MemoryError:
            raise UndecodableError("does not fit into memory; scale it down first") from None
        except Exception as error:  # damaged files raise whatever the decoder stumbles over
            raise UndecodableError(f"is damaged or cut short ({_one_line(error)}); get a whole copy") from None


def flatten_alpha(samples: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lay (H, W, 2) grey and alpha or (H, W, 4) RGB and alpha on white.

    Returns:
        uint8 (H, W, 1) or (H, W, 3): colour · alpha + white · (1 − alpha), rounded.
    """
    colour, alpha = samples[..., :-1].astype(np.uint16), samples[..., -1:].astype(np.uint16)
    return ((colour * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def _decode_with_pillow(file: BinaryIO) -> NDArray[np.uint8]:
    Image.init()
    with Image.open(file, formats=[name for name in FORMATS if name in Image.OPEN]) as opened:
        if isinstance(opened, TiffImagePlugin.TiffImageFile) and _is_garbled_by_pillow(opened):
            return _decode_with_tifffile(file)
        opened.load()
        profile = opened.info.get("icc_profile")
        image = _upright(opened)
        if image.mode.startswith("I"):
            image = _eight_bit_grey(image, opened)
        elif image.mode == "F":
            raise UndecodableError(
                "stores floating-point values, which have no agreed white; save it with 8 or 16 bits"
            )
        if image.has_transparency_data:
            image = _scale_transparent_colour(image).convert("RGBA")
            alpha = image.getchannel("A")
            image = image.convert("RGB")
            image = _to_srgb(image, profile)
            image.putalpha(alpha)
            return flatten_alpha(np.asarray(image))
        if image.mode in ("1", "P"):
            image = image.convert("L" if image.mode == "1" else "RGB")
        return np.array(_to_srgb(image, profile))


def _is_garbled_by_pillow(tiff: TiffImagePlugin.TiffImageFile) -> bool:
    """Whether it has 16 bits in separate planes, which Pillow 13 reads as interleaved without a word."""
    bits = max(tiff.tag_v2.get(_BITS_PER_SAMPLE, (1,)))
    return bits > 8 and tiff.tag_v2.get(_PLANAR) == _SEPARATE_PLANES


def _upright(image: Image.Image) -> Image.Image:
    """Apply the EXIF orientation; unreadable EXIF counts as none, as viewers do."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # as above, and the pixels are whole
        return image


def _eight_bit_grey(image: Image.Image, opened: Image.Image) -> Image.Image:
    """Grey of more than 8 bits (modes I and I;16) as L, or as LA where one grey value was declared transparent."""
    grey = np.asarray(image).astype(np.int64)
    white = 65535
    if isinstance(opened, TiffImagePlugin.TiffImageFile):
        bits = int(opened.tag_v2.get(_BITS_PER_SAMPLE, (16,))[0])
        white = 2 ** min(bits, 16) - 1
        if opened.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:  # Pillow inverts 8 bits but not 16
            grey = white - grey
    if grey.min() < 0 or grey.max() > white:
        raise UndecodableError("stores signed or 32-bit values, which have no agreed white; save it with 8 or 16 bits")
    eight = Image.fromarray(((grey * 255 + white // 2) // white).astype(np.uint8))
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        eight.putalpha(Image.fromarray(np.where(grey == clear, 0, 255).astype(np.uint8)))
    return eight


def _scale_transparent_colour(image: Image.Image) -> Image.Image:
    """Give the transparent colour of a 16-bit RGB PNG the 8 bits that Pillow gave the pixels."""
    clear = image.info.get("transparency")
    if image.mode == "RGB" and isinstance(clear, tuple) and max(clear) > 255:
        image.info["transparency"] = tuple(value >> 8 for value in clear)
    return image


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert to RGB through the embedded profile, or plainly where there is none or none that fits."""
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass  # a broken profile, or a grey profile in a colour picture: viewers ignore it too
    return image.convert("RGB")


def _decode_with_tifffile(file: BinaryIO) -> NDArray[np.uint8]:
    file.seek(0)
    if file.read(4) not in _TIFF_SIGNATURES:
        expected = ", ".join(FORMATS)
        raise UndecodableError(f"is not a picture in a known format; expected one of {expected}")
    import tifffile

    file.seek(0)
    try:
        with tifffile.TiffFile(file) as tiff:
            page = tiff.pages.first
            photometric = tifffile.PHOTOMETRIC(page.photometric).name
            if np.prod(page.shape, dtype=np.int64) > 4 * 2 * (Image.MAX_IMAGE_PIXELS or 2**27):
                raise Image.DecompressionBombError
            samples = page.asarray()
            orientation, profile = page.tags.valueof(_ORIENTATION, 1), page.tags.valueof(_ICC_PROFILE)
            if page.planarconfig == _SEPARATE_PLANES and samples.ndim == 3:
                samples = np.moveaxis(samples, 0, -1)
    except Exception as error:  # as above
        raise UndecodableError(f"is a TIFF that cannot be read ({_one_line(error)}); save it as PNG") from None
    kinds = {"MINISBLACK": (1, 2), "RGB": (3, 4)}
    if samples.ndim == 2:
        samples = samples[..., None]
    if samples.dtype == np.uint16:
        samples = ((samples.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    if samples.ndim != 3 or samples.dtype != np.uint8 or samples.shape[2] not in kinds.get(photometric, ()):
        raise UndecodableError(
            f"is a TIFF of an unusual kind ({photometric}, {samples.dtype}, {samples.shape}); save it as PNG"
        )
    if samples.shape[2] in (2, 4):
        samples = flatten_alpha(samples)
    image = Image.fromarray(samples if samples.shape[2] == 3 else samples[..., 0])
    image.getexif()[_ORIENTATION] = orientation
    return np.array(_to_srgb(_upright(image), profile))


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
