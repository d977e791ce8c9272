"""MPI3D, realistic renderings."""

from typing import ClassVar

from disentbench.datasets._mpi3d import Mpi3d, download
from disentbench.datasets._published import Download


class Mpi3dRealistic(Mpi3d):
    """The realistic set."""

    label: ClassVar[str] = "MPI3D realistic"
    downloads: ClassVar[tuple[Download, ...]] = (
        download("mpi3d_realistic.npz", "md5:59a6225b88b635365f70c91b3e52f70f"),
    )


dataset = Mpi3dRealistic
