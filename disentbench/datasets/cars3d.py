"""Cars3D: 183 models of cars from 96 directions, read from the published archive."""

from pathlib import Path, PurePosixPath
from typing import ClassVar

import numpy as np
from jaxtyping import UInt8

from disentbench.datasets._grid import Classes
from disentbench.datasets._lanczos import SIDE, smaller
from disentbench.datasets._published import Download, PublishedDataset
from disentbench.storage import matlab_files
from disentbench.storage.images import Images
from disentbench.storage.tar_files import members

FOLDER = PurePosixPath("data/cars")  # in the archive
LIST = str(FOLDER / "list.txt")
MOST_LIST_BYTES = 2**20


class Cars3d(PublishedDataset):
    """A sub-grid of the 17,568 images, made smaller from 128 to 64 pixels.

    A car's views are in one file of the archive and an object's images are far apart in the data
    set, so that all that are kept are in memory: 216 MB of the whole.
    """

    label: ClassVar[str] = "Cars3D"
    reference: ClassVar[str] = (
        "Reed, Zhang, Zhang, Lee (2015). Deep Visual Analogy-Making. Advances in Neural Information"
        " Processing Systems 28"
    )
    # The link is the authors'; it has not been tried.
    downloads: ClassVar[tuple[Download, ...]] = (
        Download(
            "nips2015-analogy-data.tar.gz",
            ("http://www.scottreed.info/files/nips2015-analogy-data.tar.gz",),
            "md5:4e866a7919c1beedf53964e6f7a23686",
        ),
    )
    values: ClassVar = {
        "elevation": np.arange(4.0),
        "azimuth": np.arange(24.0),
        "object": np.arange(183.0),
    }

    elevation: Classes = tuple(range(4))
    azimuth: Classes = tuple(range(24))
    object: Classes = tuple(range(183))

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        return (3, SIDE, SIDE)

    def images(self) -> Images:
        """Read the list of the objects, and then, in another pass, those that are kept."""
        (path,) = self.present()
        listed = self._listed(path)
        places = {listed[kept]: place for place, kept in enumerate(self.object)}
        pixels = np.empty((*self.sizes, SIDE, SIDE, 3), np.uint8)
        for name, content in members(path, places, matlab_files.MOST_BYTES):
            if name in places:  # an archive may have a name twice; the first is taken
                self._put(pixels[:, :, places.pop(name)], self._views(path, name, content))
            if not places:
                break
        if places:
            raise self.unlike(path, f"it has no file {min(places)}, which {LIST} names")
        return self.coloured(pixels.reshape(self.size, SIDE, SIDE, 3))

    def _listed(self, path: Path) -> list[str]:
        """The file of every object, in the order of the archive's list.

        The list names them with or without folder and suffix.
        """
        text = next((content for _, content in members(path, (LIST,), MOST_LIST_BYTES)), None)
        if text is None:
            raise self.unlike(path, f"it has no file {LIST}")
        lines = [line.strip() for line in text.decode("utf-8", "replace").splitlines()]
        names = [PurePosixPath(line).name.removesuffix(".mat") for line in lines if line]
        count = len(self.values["object"])
        if len(names) != count or len(set(names)) != count:
            raise self.unlike(
                path, f"its {LIST} names {len(set(names))} objects, where {count} are expected"
            )
        return [str(FOLDER / f"{name}.mat") for name in names]

    def _views(
        self, path: Path, name: str, content: bytes
    ) -> UInt8[np.ndarray, "128 128 3 azimuth elevation"]:
        shape = (128, 128, 3, len(self.values["azimuth"]), len(self.values["elevation"]))
        try:
            return matlab_files.array(content, "im", shape, "uint8")
        except ValueError as error:
            raise self.unlike(path, f"{name} in it is damaged or another: {error}") from None

    def _put(
        self,
        images: UInt8[np.ndarray, "elevation_kept azimuth_kept 64 64 3"],
        views: UInt8[np.ndarray, "128 128 3 azimuth elevation"],
    ) -> None:
        for e, elevation in enumerate(self.elevation):
            for a, azimuth in enumerate(self.azimuth):
                images[e, a] = smaller(views[..., azimuth, elevation])


dataset = Cars3d
