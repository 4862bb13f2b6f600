"""Pictures between numpy and Qt. All of it may run on any thread."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import QByteArray, QSize, Qt
from PySide6.QtGui import QColorSpace, QImage, QImageIOHandler, QImageReader, QPainterPath

from protocol import ErrorCode, Image, ProblemError
from protocol.values import MAX_PIXELS, MAX_SIDE

from .state.document import Picture, safe_name
from .state.outlines import Curve

PATTERNS = "*.png *.jpg *.jpeg *.webp *.tif *.tiff *.bmp *.gif"


def load_picture(path: Path) -> Picture:
    """Read a picture file, upright and in sRGB, without its alpha channel.

    ProblemError (BAD_INPUT) when it is missing, no picture, or larger than a server takes.
    """
    if not path.is_file():
        raise ProblemError(ErrorCode.BAD_INPUT, f"There is no file “{path.name}”.", "It may have been moved.")
    reader = QImageReader(str(path))
    reader.setAutoTransform(True)
    reader.setDecideFormatFromContent(True)
    QImageReader.setAllocationLimit(1024)
    size = reader.size()
    if reader.supportsOption(QImageIOHandler.ImageOption.Size) and size.isValid():
        _check_size(path, size)
    image = reader.read()
    if image.isNull():
        raise ProblemError(
            ErrorCode.BAD_INPUT,
            f"“{path.name}” cannot be read as a picture.",
            "Use PNG, JPEG, WebP, TIFF, BMP or GIF.",
        )
    _check_size(path, image.size())
    return picture_of(image, safe_name(path.stem), path)


def picture_of(image: QImage, name: str, path: Path | None = None) -> Picture:
    """A picture from what Qt has, e.g. from the clipboard; transparent parts turn white."""
    srgb = QColorSpace(QColorSpace.NamedColorSpace.SRgb)
    if image.colorSpace().isValid() and image.colorSpace() != srgb:
        image = image.convertedToColorSpace(srgb)
    if image.hasAlphaChannel():
        pixels = pixels_of(image).astype(np.uint16)
        alpha = pixels[..., 3:]
        rgb = ((pixels[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    else:
        rgb = pixels_of(image)[..., :3]
    return Picture(name, path, Image(np.ascontiguousarray(rgb)))


def _check_size(path: Path, size: QSize) -> None:
    width, height = size.width(), size.height()
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise ProblemError(
            ErrorCode.BAD_INPUT,
            f"“{path.name}” has {width:,} x {height:,} pixels.",
            f"Allowed: sides up to {MAX_SIDE:,} and {MAX_PIXELS // 10**6} million pixels. Make it smaller first.",
        )


def pixels_of(image: QImage) -> np.ndarray:
    """uint8, H x W x 4, straight alpha."""
    image = image.convertToFormat(QImage.Format.Format_RGBA8888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width() * 4].reshape(image.height(), image.width(), 4).copy()


def qimage_of(pixels: np.ndarray) -> QImage:
    """A picture from uint8 H x W x 3 or 4 (straight alpha), in the format that Qt draws quickest."""
    height, width, channels = pixels.shape
    pixels = np.ascontiguousarray(pixels)
    source = QImage.Format.Format_RGBA8888 if channels == 4 else QImage.Format.Format_RGB888
    target = QImage.Format.Format_ARGB32_Premultiplied if channels == 4 else QImage.Format.Format_RGB32
    # convertToFormat copies, so the buffer need not outlive this call.
    return QImage(pixels.data, width, height, width * channels, source).convertToFormat(target)


def qimage_of_tint(premultiplied: np.ndarray) -> QImage:
    """A picture from uint8 H x W x 4 as pictures.tinted makes it."""
    height, width = premultiplied.shape[:2]
    pixels = np.ascontiguousarray(premultiplied)
    return QImage(pixels.data, width, height, width * 4, QImage.Format.Format_ARGB32_Premultiplied).copy()


def scaled(image: QImage, side: int) -> QImage:
    """``image`` so that its longer side is ``side``; smaller ones stay as they are."""
    if max(image.width(), image.height()) <= side:
        return image
    return image.scaled(side, side, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)


def pyramid(image: QImage) -> list[QImage]:
    """``image`` and its halves down to about 512 pixels: drawn from the nearest, a large picture pans quickly."""
    levels = [image]
    while max(levels[-1].width(), levels[-1].height()) > 1024:
        last = levels[-1]
        half = QSize(max(last.width() // 2, 1), max(last.height() // 2, 1))
        levels.append(
            last.scaled(half, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
        )
    return levels


def path_of(curves: list[Curve]) -> QPainterPath:
    """All ``curves`` as one path in picture pixels."""
    path = QPainterPath()
    for curve in curves:
        points = curve.points.tolist()
        path.moveTo(*points[0])
        for x, y in points[1:]:
            path.lineTo(x, y)
        if curve.closed:
            path.closeSubpath()
    return path


def png_bytes(image: QImage) -> bytes:
    """``image`` as a PNG file."""
    from PySide6.QtCore import QBuffer, QIODevice

    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # pyright: ignore[reportCallIssue, reportArgumentType] - the stubs want bytes, PySide6 text
    return bytes(data.data())
