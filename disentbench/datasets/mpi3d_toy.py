"""MPI3D, simple renderings."""

from typing import ClassVar

from disentbench.datasets._mpi3d import Mpi3d, download
from disentbench.datasets._published import Download


class Mpi3dToy(Mpi3d):
    """The toy set."""

    label: ClassVar[str] = "MPI3D toy"
    downloads: ClassVar[tuple[Download, ...]] = (
        download("mpi3d_toy.npz", "md5:55889cb7c7dfc655d6e0277beee88868"),
    )


dataset = Mpi3dToy
