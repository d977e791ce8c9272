"""MPI3D, photographs of the robot."""

from typing import ClassVar

from disentbench.datasets._mpi3d import Mpi3d, download
from disentbench.datasets._published import Download


class Mpi3dReal(Mpi3d):
    """The real set. A damaged file was replaced under its name: no checksum is asked for."""

    label: ClassVar[str] = "MPI3D real"
    downloads: ClassVar[tuple[Download, ...]] = (download("mpi3d_real.npz", None),)


dataset = Mpi3dReal
