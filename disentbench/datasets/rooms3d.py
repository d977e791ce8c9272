"""A solid in the corner of a room: the six factors of Shapes3D, rendered here, none downloaded.

A solid stands on a tiled floor before two striped walls, which meet at a right angle and have a
white skirting board. The camera goes round the solid and looks at it; the lamp, the solid and the
room stay as they are, so that `orientation` turns all that is seen. The origin is where the solid
stands, y goes up, and at orientation 0 x goes to the right and z towards the camera. But for the
lamp, on the left, all is symmetric about the plane x = 0.

A hue colours one surface and no pixel that does not see it. So what is seen is rendered once
without hues: how much floor, wall, solid and white, shaded, each pixel has. An image is these
weights times the colours; they are mixed as they are displayed (sRGB values, not light).
"""

from collections.abc import Iterator
from colorsys import hsv_to_rgb
from functools import partial
from itertools import product
from typing import Annotated, Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8
from pydantic import Field, field_validator

from disentbench.datasets._grid import Classes, GridDataset
from disentbench.datasets._raycasting import (
    SOLIDS,
    Scalars,
    Vectors,
    dot,
    entry,
    to_walls,
    unit,
)
from disentbench.options import is_whole
from disentbench.storage.images import Blocks, Images

VALUES = {  # slowest factor first
    "floor_hue": np.arange(10) / 10,
    "wall_hue": np.arange(10) / 10,
    "object_hue": np.arange(10) / 10,
    "scale": np.linspace(0.75, 1.25, 8),
    "shape": np.arange(4.0),  # as in SOLIDS
    "orientation": np.linspace(-30, 30, 15),  # degrees that the camera has gone to the right
}
SATURATION_AND_VALUE = {  # by the factor; a pale room lets a solid of its own hue be seen
    "floor_hue": (0.55, 0.92),
    "wall_hue": (0.4, 0.97),
    "object_hue": (0.88, 0.97),
}
SIZE = 64
Side = Annotated[int, Field(ge=8, le=2 * SIZE)]
SAMPLES = 4  # by 4 rays to a pixel

DISTANCE, HEIGHT = 8.0, 3.6  # of the camera from the solid's axis and from the floor
AIM = 1.0  # the height at which it looks
HALF_VIEW = np.tan(np.radians(18))  # half of the picture's side at distance 1
CORNER = 4.2  # from the origin to where the walls meet
SKIRTING = 0.25  # the height of the board
TILE, STRIPE = 1.0, 0.7

TO_LAMP = np.array([-0.62, 1.0, 0.5])
LAMP = 0.12  # its radius at distance 1
AMBIENT = 0.45  # the share of the light that comes from everywhere
GAMMA = 2.2  # from light to what is displayed
ONE = 2**15  # weights are multiples of 1 / ONE: sums of them times bytes are exact in float32

Weights = Float32[np.ndarray, "scene height width 4"]  # floor, wall, solid, white


class Rooms3D(GridDataset):
    """A sub-grid of the six factors; another `image_size` renders the same scenes."""

    label: ClassVar[str] = "Rooms3D"
    reference: ClassVar[str] = (
        "Rendered by disentbench, with the factors and sizes of Burgess, Kim (2018). 3D Shapes "
        "Dataset. https://github.com/google-deepmind/3d-shapes, whose images these are not"
    )
    values: ClassVar = VALUES
    names: ClassVar[dict[str, tuple[str, ...]]] = {"shape": ("cube", "cylinder", "sphere", "cone")}

    floor_hue: Classes = tuple(range(10))
    wall_hue: Classes = tuple(range(10))
    object_hue: Classes = tuple(range(10))
    scale: Classes = tuple(range(8))
    shape: Classes = tuple(range(4))
    orientation: Classes = tuple(range(15))
    image_size: int = SIZE

    @field_validator("image_size", mode="before", json_schema_input_type=Side)
    @classmethod
    def _whole_size(cls, size: Any) -> Any:
        if not is_whole(size, 8, 2 * SIZE):
            raise ValueError(f"{size!r} is no whole number from 8 to {2 * SIZE}")
        return size

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        return (3, self.image_size, self.image_size)

    def images(self) -> Images:
        """Render every scene; the images are coloured when they are asked for."""
        seen = weights(self.scale, self.shape, self.orientation, self.image_size)
        hues = (self.floor_hue, self.wall_hue, self.object_hue)
        shape = (self.size, self.image_size, self.image_size, 3)
        return self.coloured(Blocks(shape, partial(coloured, seen, *hues)))


dataset = Rooms3D


def coloured(
    seen: Weights, floors: Classes, walls: Classes, solids: Classes
) -> Iterator[UInt8[np.ndarray, "scene height width 3"]]:
    """Every scene in the first choice of hues, then in the next."""
    for hues in product(floors, walls, solids):
        colour = colours(*hues)
        images = np.empty((*seen.shape[:3], 3), np.uint8)
        for first in range(0, len(seen), 16):  # so few that they stay in the processor's cache
            images[first : first + 16] = seen[first : first + 16] @ colour + np.float32(0.5)
        yield images


def colours(floor: int, wall: int, solid: int) -> Float32[np.ndarray, "4 3"]:
    """Red, green and blue, whole numbers from 0 to 255, of the surfaces with these hues."""
    hues = zip(SATURATION_AND_VALUE.items(), (floor, wall, solid), strict=True)
    shown = [hsv_to_rgb(VALUES[name][hue], *pale) for (name, pale), hue in hues]
    return np.rint(255 * np.array([*shown, (1, 1, 1)])).astype(np.float32)


def weights(scales: Classes, shapes: Classes, orientations: Classes, size: int) -> Weights:
    """How much of each surface each pixel of each scene sees; the orientation fastest."""
    seen = np.empty((len(scales), len(shapes), len(orientations), size, size, 4), np.float32)
    for k, orientation in enumerate(orientations):
        room = empty_room(VALUES["orientation"][orientation], size)
        for (i, scale), (j, shape) in product(enumerate(scales), enumerate(shapes)):
            samples = furnished(room, shape, VALUES["scale"][scale])
            seen[i, j, k] = np.rint(ONE * pixels(samples, size)) / ONE
    return seen.reshape(-1, size, size, 4)


def pixels(
    samples: Float[np.ndarray, "surface ray"], size: int
) -> Float[np.ndarray, "height width surface"]:
    """The means over each pixel's samples."""
    apart = samples.reshape(-1, size, SAMPLES, size, SAMPLES)
    return apart.mean(axis=(2, 4)).transpose(1, 2, 0)


class Room(NamedTuple):
    """What a camera's rays see of the room without a solid."""

    eye: Vectors  # one for all rays
    direction: Vectors
    distance: Scalars
    point: Vectors
    plane: Int[np.ndarray, " ray"]  # the left wall, the floor, the right wall
    white: Bool[np.ndarray, " ray"]  # whether it is the skirting board
    paint: Scalars  # 1, or less where the pattern is dark
    ambient: Scalars  # light that comes from everywhere
    direct: Scalars  # light of the lamp
    lamp: Vectors  # towards a point of the lamp
    sky: Vectors  # towards somewhere above


def empty_room(degrees: float, size: int) -> Room:
    """Follow every ray of a camera to the floor or a wall."""
    eye, direction = camera(degrees, size)
    distances = to_planes(eye, direction)
    plane, distance = distances.argmin(axis=0), distances.min(axis=0)
    point = eye + distance * direction
    facing = np.maximum(to_walls(unit(TO_LAMP)[:, None])[plane, 0], 0)
    return Room(
        eye,
        direction,
        distance,
        point,
        plane,
        white=(plane != 1) & (point[1] < SKIRTING),
        paint=pattern(off_planes(point), plane),
        ambient=AMBIENT * openness(off_planes(point)),
        direct=(1 - AMBIENT) * facing,
        lamp=lamps(size),
        sky=skies(size),
    )


def camera(degrees: float, size: int) -> tuple[Vectors, Vectors]:
    """The eye and the unit directions of its rays, row after row of samples."""
    angle, count = np.radians(degrees), size * SAMPLES
    eye = np.array([DISTANCE * np.sin(angle), HEIGHT, DISTANCE * np.cos(angle)])
    ahead = unit(np.array([0, AIM, 0]) - eye)
    right = np.array([np.cos(angle), 0, -np.sin(angle)])
    up = np.cross(right, ahead)
    at = HALF_VIEW * ((2 * np.arange(count) + 1) / count - 1)
    y, x = np.meshgrid(-at, at, indexing="ij")
    axes = np.stack([ahead, right, up], axis=1)
    return eye[:, None], unit(axes @ np.stack([np.ones(x.size), x.ravel(), y.ravel()]))


def off_planes(point: Vectors) -> Vectors:
    """How far points are from the left wall, the floor and the right wall."""
    return to_walls(point + np.array([[0.0], [0.0], [CORNER]]))


def to_planes(eye: Vectors, direction: Vectors) -> Vectors:
    """How far the eye is from each of the three along each ray; inf where it never meets it."""
    towards = -to_walls(direction)
    return np.where(towards > 1e-9, off_planes(eye) / np.maximum(towards, 1e-9), np.inf)


def pattern(off: Vectors, plane: Int[np.ndarray, " ray"]) -> Scalars:
    """Tiles on the floor, and stripes on the walls, which begin in the corner."""
    left, _, right = off
    tiles = np.floor(left / TILE) + np.floor(right / TILE)
    stripes = np.floor((left + right) / STRIPE)  # a wall is as far from itself as nought
    return np.where(plane == 1, 1 - 0.09 * (tiles % 2), 1 - 0.06 * (stripes % 2))


def openness(off: Vectors) -> Scalars:
    """How much light comes from everywhere: less near the two planes that one is not on."""
    near = 1 - 0.35 * np.exp(-np.abs(off) / 0.7)
    return near.prod(axis=0) / near.min(axis=0)


def lamps(size: int) -> Vectors:
    """Towards points of the lamp, a disk, which makes the edges of shadows soft."""
    x, z = LAMP * disk(SAMPLES**2)
    return each_pixel(unit(unit(TO_LAMP)[:, None] + np.stack([x, 0 * x, z])), 7, size)


def skies(size: int) -> Vectors:
    """Directions upwards, spread as light that comes from everywhere falls on the floor."""
    x, z = disk(SAMPLES**2)
    return each_pixel(np.stack([x, np.sqrt(1 - x**2 - z**2), z]), 5, size)


def disk(count: int) -> Float[np.ndarray, "2 point"]:
    """Points spread evenly over the unit disk, on Fermat's spiral."""
    n = np.arange(count)
    angle = n * np.pi * (3 - np.sqrt(5))
    return np.sqrt((n + 0.5) / count) * np.stack([np.cos(angle), np.sin(angle)])


def each_pixel(vectors: Float[np.ndarray, "3 sample"], step: int, size: int) -> Vectors:
    """One of the vectors for each sample of a pixel, every `step`-th, in all pixels alike."""
    order = (step * np.arange(SAMPLES**2)) % SAMPLES**2
    block = vectors[:, order].reshape(3, SAMPLES, SAMPLES)
    return np.tile(block, (1, size, size)).reshape(3, -1)


def furnished(room: Room, shape: int, scale: float) -> Float[np.ndarray, "4 ray"]:
    """What each ray sees of floor, wall, solid and white, shaded, with a solid in the room."""
    solid = SOLIDS[shape]
    distance = entry(solid, scale, room.eye, room.direction)
    front = distance < room.distance
    behind = np.where(front, 0, shade(room, shape, scale))
    floor, wall = room.plane == 1, (room.plane != 1) & ~room.white
    seen = np.stack([floor, wall, 0 * floor, room.white]) * behind
    point = room.eye + distance[front] * room.direction[:, front]
    seen[2:, front] = gloss(solid.normal(point / scale), room.direction[:, front])
    return seen


def shade(room: Room, shape: int, scale: float) -> Scalars:
    """How light floor and walls are in the shadow of a solid, 1 at most."""
    solid = SOLIDS[shape]
    lit = entry(solid, scale, room.point, room.lamp) == np.inf
    free = (room.plane != 1) | (entry(solid, scale, room.point, room.sky) == np.inf)
    light = room.ambient * np.where(free, 1, 0.3) + room.direct * lit
    return np.where(room.white, 0.95, room.paint) * light ** (1 / GAMMA)


def gloss(normal: Vectors, direction: Vectors) -> Float[np.ndarray, "2 ray"]:
    """How much of its colour, and of white where it shines, a solid shows (Blinn 1977)."""
    lamp = unit(TO_LAMP)[:, None]
    light = AMBIENT * (0.7 + 0.3 * normal[1]) + (1 - AMBIENT) * np.maximum(dot(normal, lamp), 0)
    shine = 0.45 * np.maximum(dot(normal, unit(lamp - direction)), 0) ** 60
    return np.stack([(1 - shine) * light ** (1 / GAMMA), shine])
