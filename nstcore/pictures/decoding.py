"""From a picture file to the pixels a person would see: uint8 (H, W, 3) RGB, upright, on white, in sRGB.

Pillow decodes; TIFFs it has no mode for (16 bits with planes or grey with alpha) go to tifffile. Neither sees metadata
that pixels do not need (`containers`). The stored form of a picture is in memory once, and all that follows is
done in strips (`strips`). `images` is the public face of this file and the one that turns these errors
into messages with a path.
"""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin, TiffImagePlugin, UnidentifiedImageError

from nstcore.errors import StyleTransferError
from nstcore.pictures.containers import jpeg, without_metadata
from nstcore.pictures.limits import (
    ORIENTATION,
    bytes_to_load,
    require_memory,
    require_reasonable,
    require_segments,
    require_tile,
)
from nstcore.pictures.rgb import ToOpacity, ToRgb, ToSrgb, flatten_alpha
from nstcore.pictures.strips import Strips, upright
from nstcore.pictures.undecodable import TooLargeError, UndecodableError

#: Formats that are pictures by their content, and what their files' names end in. EPS (which would start Ghostscript),
#: TGA (which has no signature and takes other files for pictures) and JPEG 2000 (which Pillow accepts when cut short)
#: are left out on purpose.
FORMATS = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "MPO": (".mpo",),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "GIF": (".gif",),
    "BMP": (".bmp",),
    "AVIF": (".avif", ".avifs"),
    "HEIF": (".heic", ".heif", ".heics", ".heifs", ".hif"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
}

#: Width times height above which a JPEG may be read reduced: more than most cameras make. The result then differs from
#: that of reading all of it by less than 1 of 255 in the mean, and by 10 at most (`test_reading.py`).
LARGE = 40_000_000
# How many times as large as what is made of it a JPEG read reduced is at least, on both sides.
_SPARE = 4

# Without handlers of their own, the decoders' notes on damaged files would go to stderr beside our one line. (What the
# C library libtiff prints about a few kinds of damaged TIFF cannot be kept from there.)
for _library in ("PIL", "tifffile"):
    logging.getLogger(_library).addHandler(logging.NullHandler())

# What files of these formats begin with, whatever else is wrong with them.
_SIGNATURES = {"PNG": b"\x89PNG\r\n", "JPEG": b"\xff\xd8\xff", "GIF": b"GIF8", "WebP": b"RIFF", "BMP": b"BM"}
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1")
_TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# TIFF 6.0, section 8
_BITS_PER_SAMPLE, _PLANAR, _ICC_PROFILE = 258, 284, 34675
_SEPARATE_PLANES = 2

#: From the height and width of a picture to those that are wanted of it.
Wanted = Callable[[int, int], tuple[int, int]]


def decode_opacity(file: BinaryIO, wanted: Wanted | None = None) -> NDArray[np.uint8] | None:
    """The opacity of what `decode` gives, which takes the same: uint8 (H, W), 0 to 255. None where all is opaque.

    Raises what `decode` does.
    """
    found = _decoded(file, wanted, opacity=True)
    return None if found is None else found[..., 0]


def decode(file: BinaryIO, wanted: Wanted | None = None) -> NDArray[np.uint8]:
    """Decode the first frame of an open, seekable picture file.

    Grey becomes RGB, transparency is laid on white, 16 bits become 8, CMYK and embedded ICC profiles become sRGB and
    the EXIF orientation is applied. No warning leaves this function.

    Args:
        wanted: the height and width to resize to, from the picture's own; None for its own. What it raises is raised.
            A JPEG of more than `LARGE` pixels that is wanted at a small part of its size is read at 1/2, 1/4 or 1/8,
            see `reading_scale`. For all others this is the same as to decode first and to resize then.

    Returns:
        uint8 (H, W, 3), RGB, 0 to 255.

    Raises:
        TooLargeError: if there is not the memory for it.
        UndecodableError: for anything that is not one whole, ordinary picture.
    """
    found = _decoded(file, wanted, opacity=False)
    assert found is not None
    return found


def _decoded(file: BinaryIO, wanted: Wanted | None, *, opacity: bool) -> NDArray[np.uint8] | None:
    """The picture, or its opacity in all three channels, if it has one."""
    with warnings.catch_warnings():
        # Pillow warns of odd metadata, which does not concern the pixels, and of pictures over 89 megapixels, which
        # cameras make; it refuses twice that size with an error.
        warnings.simplefilter("ignore")
        try:
            file = without_metadata(file)
            try:
                return _decode_with_pillow(file, wanted, opacity)
            except UnidentifiedImageError:
                return _decode_with_tifffile(file, wanted, opacity)
        except (UndecodableError, StyleTransferError):
            raise
        except Image.DecompressionBombError:
            raise UndecodableError("is too large to open safely (over 178 megapixels); scale it down first") from None
        except MemoryError:
            raise TooLargeError("does not fit into memory; scale it down first") from None
        except Exception as error:  # damaged files raise whatever the decoder stumbles over
            raise UndecodableError(f"is damaged or cut short ({_one_line(error)}); get a whole copy") from None


def reading_scale(file: BinaryIO, wanted: Wanted) -> int:
    """How many times smaller than it is a picture is read: 1, or 2, 4 or 8 for very large JPEGs.

    It reads no more than the file's head, and says 1 of what `decode` refuses.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if not file.read(3).startswith(jpeg.SIGNATURE):
                return 1
            with _opened(without_metadata(file)) as image:
                return _reading_scale(image, wanted)
        except Exception:  # `decode` says what is wrong
            return 1


def _opened(file: BinaryIO) -> Image.Image:
    Image.init()
    if "HEIF" not in Image.OPEN and _is_heic(file):
        try:
            from pillow_heif import register_heif_opener
        except ImportError:
            raise UndecodableError(
                "is a HEIC picture, which takes the package pillow-heif (pip install 'nst-grid[heic]'); or save it as "
                "JPEG"
            ) from None
        register_heif_opener(thumbnails=False)
    return Image.open(file, formats=[name for name in FORMATS if name in Image.OPEN])


def _is_heic(file: BinaryIO) -> bool:
    """ISO/IEC 23008-12, annex B: the brands of pictures that are packed as HEVC is."""
    file.seek(0)
    head = file.read(12)
    file.seek(0)
    return head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS


def _decode_with_pillow(file: BinaryIO, wanted: Wanted | None, opacity: bool) -> NDArray[np.uint8] | None:
    with _opened(file) as opened:
        if isinstance(opened, TiffImagePlugin.TiffImageFile) and _is_garbled_by_pillow(opened):
            return _decode_with_tifffile(file, wanted, opacity)
        if opacity and not opened.has_transparency_data:
            return None
        size = opened.size
        scale = _reading_scale(opened, wanted) if wanted else 1
        if scale > 1:
            opened.draft(None, (size[0] // scale, size[1] // scale))
        pixels = size[0] * size[1]
        require_reasonable(opened, file)
        require_memory(bytes_to_load(opened, pixels) + (0 if wanted else 3 * pixels), file)
        opened.load()
        if opened.mode == "F":
            raise UndecodableError(
                "stores floating-point values, which have no agreed white; save it with 8 or 16 bits"
            )
        to_rgb = (ToOpacity if opacity else ToRgb)(opened)
        extent = (size[0] / scale, size[1] / scale)
        strips = Strips(opened.size, _orientation(opened), lambda box: to_rgb(opened.crop(box)), extent)
        return _as_wanted(strips, upright(size, strips.orientation), wanted)


def _as_wanted(strips: Strips, size: tuple[int, int], wanted: Wanted | None) -> NDArray[np.uint8]:
    """The pixels of a picture of an upright size (width, height), which `strips` may hold reduced."""
    width, height = size
    height_width = wanted(height, width) if wanted else (height, width)
    return strips.pixels() if height_width == (height, width) else strips.resized(*height_width)


def _reading_scale(opened: Image.Image, wanted: Wanted) -> int:
    if not isinstance(opened, JpegImagePlugin.JpegImageFile) or opened.width * opened.height <= LARGE:
        return 1
    width, height = upright(opened.size, _orientation(opened))
    wanted_height, wanted_width = wanted(height, width)
    spare = min(width // wanted_width, height // wanted_height) // _SPARE
    return next((scale for scale in (8, 4, 2) if scale <= spare), 1)


def _is_garbled_by_pillow(tiff: TiffImagePlugin.TiffImageFile) -> bool:
    """Whether it has 16 bits in separate planes, which Pillow 13 reads as interleaved without a word."""
    bits = max(tiff.tag_v2.get(_BITS_PER_SAMPLE, (1,)))
    return bits > 8 and tiff.tag_v2.get(_PLANAR) == _SEPARATE_PLANES


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation; unreadable EXIF counts as none, as viewers do."""
    try:
        orientation = image.getexif().get(ORIENTATION, 1)
    except Exception:  # as above, and the pixels are whole
        return 1
    return orientation if isinstance(orientation, int) else 1


def _decode_with_tifffile(file: BinaryIO, wanted: Wanted | None, opacity: bool) -> NDArray[np.uint8] | None:
    file.seek(0)
    if file.read(4) not in _TIFF_SIGNATURES:
        file.seek(0)
        head = file.read(12)
        for name, signature in _SIGNATURES.items():
            if head.startswith(signature):
                raise UndecodableError(f"is damaged: it begins as a {name} and cannot be read; get a whole copy")
        expected = ", ".join(FORMATS)
        raise UndecodableError(f"is not a picture in a known format; expected one of {expected}")
    import tifffile

    file.seek(0)
    try:
        with tifffile.TiffFile(file) as tiff:
            page: Any = tiff.pages.first
            _require_known_kind(page)
            require_memory(page.nbytes + (0 if wanted else page.nbytes // page.dtype.itemsize), file)
            if page.is_tiled:
                require_tile(math.prod(page.tile), page.imagelength * page.imagewidth)
            require_segments(file, page)
            # One piece at a time: what several threads unpack together has no bound.
            samples = page.asarray(maxworkers=1)
            orientation, profile = page.tags.valueof(ORIENTATION, 1), page.tags.valueof(_ICC_PROFILE)
            if page.planarconfig == _SEPARATE_PLANES and samples.ndim == 3:
                samples = np.moveaxis(samples, 0, -1)
    except (UndecodableError, MemoryError):
        raise
    except Exception as error:  # as above
        raise UndecodableError(f"is a TIFF that cannot be read ({_one_line(error)}); save it as PNG") from None
    if samples.ndim == 2:
        samples = samples[..., None]
    if opacity and samples.shape[2] not in (2, 4):
        return None
    to_srgb = ToSrgb(profile)

    def crop(box: tuple[int, int, int, int]) -> Image.Image:
        left, top, right, bottom = box
        part = samples[top:bottom, left:right]
        if part.dtype == np.uint16:
            part = ((part.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
        if opacity:
            return Image.merge("RGB", [Image.fromarray(part[..., -1])] * 3)
        if part.shape[2] in (2, 4):
            part = flatten_alpha(part)
        return to_srgb(Image.fromarray(part if part.shape[2] == 3 else part[..., 0]))

    size = (samples.shape[1], samples.shape[0])
    strips = Strips(size, orientation if isinstance(orientation, int) else 1, crop, size)
    return _as_wanted(strips, strips.upright_size, wanted)


def _require_known_kind(page: Any) -> None:
    """See that a page is a picture as photographs are, and not too large, before any of it is read."""
    import tifffile

    photometric, shape = tifffile.PHOTOMETRIC(page.photometric).name, page.shape
    if len(shape) == 3 and page.planarconfig == _SEPARATE_PLANES:
        shape = (*shape[1:], shape[0])
    channels = shape[2] if len(shape) == 3 else 1 if len(shape) == 2 else 0
    known = {"MINISBLACK": (1, 2), "RGB": (3, 4)}.get(photometric, ())
    if page.dtype not in (np.uint8, np.uint16) or channels not in known:
        raise UndecodableError(
            f"is a TIFF of an unusual kind ({photometric}, {page.dtype}, {page.shape}); save it as PNG"
        )
    if math.prod(shape[:2]) > 2 * (Image.MAX_IMAGE_PIXELS or 2**27):
        raise Image.DecompressionBombError


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
