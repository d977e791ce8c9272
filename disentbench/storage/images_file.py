"""The data set file: the images of a study with their factors, written once and read by every run.

/            attributes schema, dataset, label, factor_names, factor_sizes, shape, provenance
bits         uint8 [image, byte]  binary images, eight pixels to a byte (see storage/images.py)
pixels       uint8 [image, height, width, channel]  all others
factors      [image, factor]  classes 0 .. n-1
values/NAME  [class]  the physical value of each class of a factor
"""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from jaxtyping import Float32, Int

from disentbench.errors import UserError
from disentbench.storage import limits
from disentbench.storage.hdf5 import (
    File,
    array,
    attribute,
    claim,
    create,
    label_axes,
    open_checked,
)
from disentbench.storage.identities import Identity
from disentbench.storage.images import Images, misfit

SCHEMA = 1
# Chunks of half a megabyte: 1,024 packed images of 64 x 64. Level 4 is as small as 6 to a few
# percent and takes two thirds of its time.
CHUNK_BYTES = 2**19
GZIP_LEVEL = 4


def write_images(
    images: Images, path: Path | str, provenance: dict, identity: Identity | None = None
) -> None:
    """Write the data set file; it is there whole or not at all, and not if its parts do not fit.

    To what it says it is, a word for the images is added.
    """
    if wrong := misfit(images):
        raise UserError(f"the data set {images.name!r} cannot be written: {wrong}")
    with create(path, identity and identity | {"images": images.digest}) as file:
        file.attrs["schema"] = SCHEMA
        file.attrs["dataset"] = images.name
        file.attrs["label"] = images.label
        file.attrs["shape"] = images.shape
        file.attrs["factor_names"] = images.factor_names
        file.attrs["factor_sizes"] = images.factor_sizes
        file.attrs["provenance"] = json.dumps(provenance)
        if images.bits is not None:
            _put(file, "bits", images.bits, "image", "byte")
        else:
            _put(file, "pixels", images.stored, "image", "height", "width", "channel")
        _put(file, "factors", images.factors.astype(np.int32), "image", "factor")
        for name, values in zip(images.factor_names, images.factor_values, strict=True):
            label_axes(file.create_dataset(f"values/{name}", data=values), "class")


def read_images(path: Path | str) -> Images:
    """Read a data set file back."""
    with open_checked(path) as file:
        if (schema := attribute(file, "schema")) != SCHEMA:
            raise UserError(f"{path} has schema {schema}; this version reads schema {SCHEMA}")
        try:
            parts = _parts(file)
        except UserError:
            raise
        except (TypeError, ValueError) as error:  # what a file from outside may hold
            reason = " ".join(str(error).split())
            raise UserError(f"{path} is not as it should be: {reason}") from None
    if wrong := misfit(SimpleNamespace(**parts)):
        raise UserError(f"{path} is no data set file: {wrong}")
    return Images(**parts | {"factors": parts["factors"].astype(np.int64)})


def _parts(file: File) -> dict:
    """What the file holds, by the names that Images has for it."""
    names = attribute(file, "factor_names")
    binary = "bits" in file
    claimed = claim(file, "bits" if binary else "pixels") + claim(file, "factors")
    if claimed > (there := limits.physical()):
        raise UserError(
            f"{file.filename} would take {limits.shown(claimed)} of memory to read, and this "
            f"machine has {limits.shown(there)}"
        )
    return dict(
        name=attribute(file, "dataset"),
        label=attribute(file, "label"),
        shape=tuple(int(n) for n in attribute(file, "shape")),
        factors=array(file, "factors"),
        factor_names=names,
        factor_values=tuple(array(file, f"values/{name}") for name in names),
        bits=array(file, "bits") if binary else None,
        pixels=None if binary else array(file, "pixels"),
    )


def unpack(
    images: Images, index: Int[np.ndarray, " image"] | slice = slice(None)
) -> Float32[np.ndarray, "image channel height width"]:
    """The images at `index` as numbers from 0 to 1."""
    channels, height, width = images.shape
    if images.bits is None:
        return images.stored[index].transpose(0, 3, 1, 2) / np.float32(255)
    flat = np.unpackbits(images.bits[index], axis=1, count=channels * height * width)
    return flat.reshape(-1, channels, height, width).astype(np.float32)


def _put(file: File, name: str, data: np.ndarray, *axes: str) -> None:
    rows = max(1, CHUNK_BYTES // data[0].nbytes)
    chunks = (min(rows, len(data)), *data.shape[1:])
    dataset = file.create_dataset(
        name,
        data=data,
        chunks=chunks,
        compression="gzip",
        compression_opts=GZIP_LEVEL,
    )
    label_axes(dataset, *axes)
