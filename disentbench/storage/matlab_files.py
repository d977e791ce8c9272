"""MATLAB's files from outside, as data: one array of numbers, of the kind that is expected."""

import io
import struct
import zlib

import numpy as np

from disentbench.storage import limits

HEADER = 128  # bytes, the last two of which say the order of the bytes
ORDERS = {b"IM": "<", b"MI": ">"}
VERSION = 0x0100  # in the two bytes before; 7.3, which is HDF5, has 0x0200
WORDS = 8  # bytes before those of an element
COMPRESSED = 15  # the type of an element that is another one, compressed
MOST_BYTES = 2**26  # of one file, unpacked


def array(content: bytes, name: str, shape: tuple[int, ...], kind: str) -> np.ndarray:
    """The array of this name, shape and MATLAB class in a file of version 5 to 7.

    A ValueError says what is there instead; what is larger is not unpacked.
    """
    from scipy.io import loadmat, whosmat  # noqa: PLC0415 - whoever plans a study waits for neither

    try:
        plain = _unpacked(content)
        claimed = {held: (its_shape, its_kind) for held, its_shape, its_kind in whosmat(plain)}
        if claimed.get(name) == (shape, kind):
            plain.seek(0)
            return loadmat(plain, variable_names=[name])[name]
    except Exception as error:  # a mangled file fails in many ways, all of them the file's
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"it cannot be read as a MATLAB file: {reason}") from None
    if name not in claimed:
        raise ValueError(f"it has no array {name!r}, but {', '.join(claimed) or 'none'}")
    came = "{1} {0}".format(*claimed[name])
    raise ValueError(f"its {name!r} is {came}, where {kind} {shape} is expected")


def _unpacked(content: bytes) -> io.BytesIO:
    """The file with its compressed elements unpacked, as long as they are no larger than allowed.

    MATLAB's file format, version 5: after the header, elements of two 32-bit words, type and
    number of bytes, and those bytes.
    """
    if len(content) < HEADER or content[HEADER - 2 : HEADER] not in ORDERS:
        raise ValueError("it does not begin like one of version 5 to 7")
    order = ORDERS[content[HEADER - 2 : HEADER]]
    if struct.unpack_from(f"{order}H", content, HEADER - 4) != (VERSION,):
        raise ValueError("it is of version 7.3 or another; save it as version 7 (-v7)")
    parts, left, start = [content[:HEADER]], MOST_BYTES, HEADER
    while start < len(content):
        if start + WORDS > len(content):
            raise ValueError("it is truncated")
        kind, size = struct.unpack_from(f"{order}2I", content, start)
        element, start = content[start : start + WORDS + size], start + WORDS + size
        if start > len(content):
            raise ValueError("it is truncated")
        if kind == COMPRESSED:
            element = zlib.decompressobj().decompress(element[WORDS:], left + 1)
        if (left := left - len(element)) < 0:
            raise ValueError(f"it unpacks to more than {limits.shown(MOST_BYTES)}")
        parts.append(element)
    return io.BytesIO(b"".join(parts))
