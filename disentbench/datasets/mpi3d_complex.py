"""MPI3D, photographs of the robot with everyday objects."""

from typing import ClassVar

import numpy as np

from disentbench.datasets._grid import Classes
from disentbench.datasets._mpi3d import Mpi3d, download
from disentbench.datasets._published import Download

# Where the authors' page has this file.
DRIVE = (
    "https://drive.usercontent.google.com/download"
    "?id=1Tp8eTdHxgUMtsZv5uAoYAbJR1BOa_OQm&export=download&confirm=t"
)


class Mpi3dComplex(Mpi3d):
    """The complex set: 460,800 images, of four colors and four shapes."""

    label: ClassVar[str] = "MPI3D complex"
    downloads: ClassVar[tuple[Download, ...]] = (
        download("real3d_complicated_shapes_ordered.npz", None, DRIVE),
    )
    values: ClassVar = Mpi3d.values | {
        "object_color": np.arange(4.0),
        "object_shape": np.arange(4.0),
    }

    object_color: Classes = tuple(range(4))
    object_shape: Classes = tuple(range(4))


dataset = Mpi3dComplex
