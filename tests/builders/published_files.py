"""Files in the layouts of published data sets, small or of what a test puts into them."""

import gzip
import io
import struct
import tarfile
import zipfile

import h5py
import numpy as np
from scipy.io import savemat

BYTES, INTEGERS = 0x1E3D4C55, 0x1E3D4C54  # the magic numbers of SmallNORB's matrices
NORB = {
    half: f"smallnorb-5x{instances}x9x18x6x2x96x96-{half}"
    for half, instances in (("training", "46789"), ("testing", "01235"))
}
INSTANCES = {"training": (4, 6, 7, 8, 9), "testing": (0, 1, 2, 3, 5)}


def shapes3d(path, values, images, **options):
    """`images` [image, 64, 64, 3] and the labels of the grid of these values, the last fastest."""
    labels = np.stack([axis.ravel() for axis in np.meshgrid(*values, indexing="ij")], axis=1)
    with h5py.File(path, "w") as file:
        file.create_dataset("images", data=images, **options)
        file["labels"] = labels
    return path


def npz(path, **arrays):
    """An archive of arrays, deflated."""
    np.savez_compressed(path, **arrays)
    return path


def npz_of_a_header(path, shape, body=b"", descr="|u1"):
    """An archive whose `images` claim a shape and have these bytes."""
    header = io.BytesIO()
    fields = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, fields)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", header.getvalue() + body)
    return path


def mat(**arrays):
    """The bytes of a MATLAB file."""
    content = io.BytesIO()
    savemat(content, arrays, do_compression=True)
    return content.getvalue()


def tar(path, contents):
    """An archive of these files, bytes by name, in this order."""
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def matrix(values, *, magic=None, sizes=None):
    """The bytes of a matrix as SmallNORB has them: at least three sizes."""
    sizes = list(values.shape if sizes is None else sizes)
    sizes += [1] * (3 - len(sizes))
    magic = magic or (BYTES if values.dtype == np.uint8 else INTEGERS)
    start = struct.pack(f"<{2 + len(sizes)}i", magic, values.ndim, *sizes)
    return start + values.astype(values.dtype.newbyteorder("<")).tobytes()


def smallnorb(folder, halves, suffix=".mat.gz"):
    """The six files; a half is (dat, cat, info), arrays or the bytes that a file shall have."""
    for half, parts in halves.items():
        for part, values in zip(("dat", "cat", "info"), parts, strict=True):
            content = values if isinstance(values, bytes) else matrix(values)
            path = folder / f"{NORB[half]}-{part}{suffix}"
            path.write_bytes(gzip.compress(content, 1) if suffix.endswith(".gz") else content)
    return folder
