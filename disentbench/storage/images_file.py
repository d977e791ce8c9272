"""The data set file: the images of a study with their factors, written once and read by every run.

/            attributes schema, dataset, label, factor_names, factor_sizes, shape, provenance
bits         uint8 [image, byte]  binary images, eight pixels to a byte (see storage/images.py)
pixels       uint8 [image, height, width, channel]  all others, as they are: readers map them
factors      [image, factor]  classes 0 .. n-1; without ground truth [image, 0]
values/NAME  [class]  the value of each class of a factor, a number or a text
material/NAME         what the data set renders with besides

Its identity has a word for the images. Of mapped ones it is believed, as the seal vouches for it:
to look at all of them once more would take as long as the seal does.
"""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from disentbench.errors import UserError
from disentbench.storage import limits, seals
from disentbench.storage.hdf5 import (
    TEXT,
    Dataset,
    File,
    array,
    attribute,
    claim,
    contiguous,
    create,
    label_axes,
    mapping,
    open_checked,
)
from disentbench.storage.hdf5 import names as members
from disentbench.storage.identities import Identity
from disentbench.storage.images import Digest, Images, misfit

SCHEMA = 1
# Chunks of half a megabyte: 1,024 packed images of 64 x 64. Level 4 is as small as 6 to a few
# percent and takes two thirds of its time.
CHUNK_BYTES = 2**19
GZIP_LEVEL = 4


def write_images(
    images: Images, path: Path | str, provenance: dict, identity: Identity | None = None
) -> None:
    """Write the data set file; it is there whole or not at all, and not if its parts do not fit.

    Pixels are written block by block, as they come. To what it says it is, a word for the images
    is added.
    """
    if wrong := misfit(images):
        raise UserError(f"the data set {images.name!r} cannot be written: {wrong}")
    said = None if identity is None else dict(identity)
    with create(path, said) as file:
        file.attrs["schema"] = SCHEMA
        file.attrs["dataset"] = images.name
        file.attrs["label"] = images.label
        file.attrs["shape"] = images.shape
        file.attrs["factor_names"] = np.array(images.factor_names, TEXT)
        file.attrs["factor_sizes"] = images.factor_sizes
        file.attrs["provenance"] = json.dumps(provenance)
        factors = file.create_dataset("factors", data=images.factors.astype(np.int32))
        label_axes(factors, "image", "factor")
        for name, values in zip(images.factor_names, images.factor_values, strict=True):
            label_axes(_put(file, f"values/{name}", values), "class")
        for name, array_ in images.material.items():
            _put(file, f"material/{name}", array_)
        word = _put_images(file, images)
        if said is not None:
            said["images"] = word


def _put_images(file: File, images: Images) -> str:
    """Write the images themselves, a block at a time; one word for them and their factors."""
    digest, first = Digest(images), 0
    dataset = _begun(file, images)
    for block in images.in_blocks():
        if block.dtype != np.uint8 or block.shape[1:] != dataset.shape[1:]:
            raise UserError(
                f"the data set {images.name!r} cannot be written: it gives images as "
                f"{block.dtype} {block.shape[1:]}, where uint8 {dataset.shape[1:]} is expected"
            )
        digest.update(block)
        if first + len(block) <= len(images):
            dataset[first : first + len(block)] = block
        first += len(block)
    if first != len(images):
        raise UserError(
            f"the data set {images.name!r} cannot be written: it gives {first} images, and its "
            f"factors are of {len(images)}"
        )
    return digest.word


def _begun(file: File, images: Images) -> Dataset:
    """The dataset for the images, still empty: bits in compressed chunks, pixels as they are."""
    if images.bits is None:
        assert images.pixels is not None  # see `misfit`
        dataset = file.create_dataset("pixels", images.pixels.shape, np.uint8)
        label_axes(dataset, "image", "height", "width", "channel")
        return dataset
    rows = max(1, CHUNK_BYTES // images.bits[0].nbytes)
    dataset = file.create_dataset(
        "bits",
        images.bits.shape,
        np.uint8,
        chunks=(min(rows, len(images)), *images.bits.shape[1:]),
        compression="gzip",
        compression_opts=GZIP_LEVEL,
    )
    label_axes(dataset, "image", "byte")
    return dataset


def _put(file: File, name: str, values: np.ndarray) -> Dataset:
    """Write an array of numbers or text."""
    text = values.dtype.kind in "UO"
    return file.create_dataset(
        name, data=values.astype(object) if text else values, dtype=TEXT if text else None
    )


def read_images(path: Path | str) -> Images:
    """Read a data set file back."""
    with open_checked(path) as file:
        if (schema := attribute(file, "schema")) != SCHEMA:
            raise UserError(f"{path} has schema {schema}; this version reads schema {SCHEMA}")
        try:
            parts = _parts(file, Path(path))
        except UserError:
            raise
        except (TypeError, ValueError) as error:  # what a file from outside may hold
            reason = " ".join(str(error).split())
            raise UserError(f"{path} is not as it should be: {reason}") from None
    if wrong := misfit(SimpleNamespace(**parts)):
        raise UserError(f"{path} is no data set file: {wrong}")
    return Images(**parts | {"factors": parts["factors"].astype(np.int64)})


def _parts(file: File, path: Path) -> dict:
    """What the file holds, by the names that Images has for it."""
    names = attribute(file, "factor_names") if file.attrs["factor_names"].size else ()
    binary = "bits" in file
    mapped = not binary and contiguous(file, "pixels")
    claimed = sum(claim(file, name) for name in ("factors", *["bits"] * binary))
    claimed += 0 if binary or mapped else claim(file, "pixels")
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
        factor_values=tuple(_values(file, f"values/{name}") for name in names),
        bits=array(file, "bits") if binary else None,
        pixels=None if binary else (mapping if mapped else array)(file, "pixels"),
        material={name: array(file, f"material/{name}") for name in members(file, "material")},
        known_digest=(seals.identity(path) or {}).get("images") if mapped else None,
    )


def _values(file: File, name: str) -> np.ndarray:
    """The values of a factor's classes: numbers, or text as str."""
    values = array(file, name)
    if values.dtype.kind not in "SO":
        return values
    return np.array([v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in values])
