"""dSprites, rendered from its geometry: every pixel as published, in the published order.

The publication gives the factors but not the drawing. The outlines below were recovered from public
images of the data set: the constants are those that reproduce all of them bit for bit. Lengths are
pixels of the 64 x 64 canvas, x to the right, y down; pixel (row, column) has its centre at
(column + 0.5, row + 0.5).
"""

from itertools import product
from typing import Annotated, Any, ClassVar

import numpy as np
from jaxtyping import Float, Int, UInt8, UInt64
from pydantic import Field, field_validator

from disentbench.datasets._grid import Classes, GridDataset
from disentbench.options import is_whole
from disentbench.storage.images import Images

VALUES = {  # slowest factor first, as in the published file
    "shape": np.array([1.0, 2.0, 3.0]),  # square, ellipse, heart
    "scale": np.linspace(0.5, 1, 6),
    "orientation": np.linspace(0, 2 * np.pi, 40),
    "posX": np.linspace(0, 1, 32),
    "posY": np.linspace(0, 1, 32),
}
CANVAS = 64
MARGIN = 16  # a sprite's origin moves over the middle half of the canvas
UNIT = 256  # vertices are rounded to 1/256 pixel, the fixed point of the GPU that drew them
TURN = 39  # orientation 39 ends the full turn: the same picture as orientation 0

Outline = Float[np.ndarray, "2 vertex"]
Side = Annotated[int, Field(ge=8, le=CANVAS)]


class DspritesGrid(GridDataset):
    """A sub-grid of the dSprites factors: per factor one class, a list, or {stride: n}."""

    values: ClassVar = VALUES
    names: ClassVar = {"shape": ("square", "ellipse", "heart")}

    shape: Classes = tuple(range(3))
    scale: Classes = tuple(range(6))
    orientation: Classes = tuple(range(40))
    posX: Classes = tuple(range(32))  # noqa: N815
    posY: Classes = tuple(range(32))  # noqa: N815

    @property
    def packed(self) -> bool:
        """They are black and white."""
        return True


class Dsprites(DspritesGrid):
    """dSprites; another `image_size` draws the same outlines on a smaller canvas."""

    label: ClassVar[str] = "dSprites"
    reference: ClassVar[str] = (
        "Matthey, Higgins, Hassabis, Lerchner (2017). dSprites: Disentanglement testing Sprites "
        "dataset. https://github.com/google-deepmind/dsprites-dataset"
    )

    image_size: int = CANVAS

    @field_validator("image_size", mode="before", json_schema_input_type=Side)
    @classmethod
    def _whole_size(cls, size: Any) -> Any:
        if not is_whole(size, 8, CANVAS):
            raise ValueError(f"{size!r} is no whole number from 8 to {CANVAS}")
        return size

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        return (1, self.image_size, self.image_size)

    def images(self) -> Images:
        """Draw every sprite at every position."""
        sprites = list(product(self.shape, self.scale, self.orientation))
        x, y = (anchors(np.array(kept)) for kept in (self.posX, self.posY))
        pixels = self.image_size**2
        bits = np.empty((len(sprites), len(x) * len(y), (pixels + 7) // 8), np.uint8)
        for drawn, sprite in zip(bits, sprites, strict=True):
            drawn[:] = pack(draw(outline(*sprite), x, y, self.image_size), self.image_size)
        return self.binary(bits.reshape(self.size, -1))


dataset = Dsprites


def anchors(classes: Int[np.ndarray, " position"]) -> Float[np.ndarray, " position"]:
    """Where a sprite's origin lies at these classes of posX or posY."""
    return MARGIN + (CANVAS - 2 * MARGIN) * VALUES["posX"][classes]


def outline(shape: int, scale: int, orientation: int) -> Outline:
    """The polygon's vertices about its origin; a positive angle turns it counter-clockwise."""
    x, y = (square, ellipse, heart)[shape]()
    angle = VALUES["orientation"][orientation % TURN]
    cos, sin = np.cos(angle), np.sin(angle)
    return VALUES["scale"][scale] * np.stack([x * cos + y * sin, y * cos - x * sin])


def square() -> Outline:
    """A side of 0.3 canvas widths."""
    half = 0.3 * CANVAS / 2
    return half * np.array([[-1.0, 1.0, 1.0, -1.0], [-1.0, -1.0, 1.0, 1.0]])


def ellipse() -> Outline:
    """A polygon of 100 vertices, as wide as the square times 1.33 and as high as it over 1.33."""
    t = 2 * np.pi * np.arange(100) / 100
    half = 0.3 * CANVAS / 2
    return np.stack([half * 1.33 * np.cos(t), half / 1.33 * np.sin(t)])


def heart() -> Outline:
    """A polygon of 150 vertices, its tip at the bottom; the origin is not its centroid."""
    t = 2 * np.pi * np.arange(150) / 150
    side = 0.3 * CANVAS
    u = 16 * np.sin(t) ** 3
    w = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.stack([side * u / 32, -side * (w / 29 + 0.075)])


def draw(
    vertices: Outline,
    x: Float[np.ndarray, " posX"],
    y: Float[np.ndarray, " posY"],
    size: int,
) -> UInt64[np.ndarray, "posX posY row"]:
    """One sprite at every position: a row of pixels is a word, column 0 in its highest bit.

    A pixel is 1 when its centre lies inside the polygon, that is right of an odd number of edges.
    """
    X, Y = (fixed_point(at[:, None] + v, size) for at, v in zip((x, y), vertices, strict=True))
    at_y, edge, row = crossings(Y, size)
    column = first_columns(X, Y, at_y, edge, row)
    line = at_y * size + row
    starts = np.flatnonzero(np.diff(line, prepend=-1))
    words = np.zeros((len(x), len(y) * size), np.uint64)
    words[:, line[starts]] = np.bitwise_xor.reduceat(FROM_COLUMN[column], starts, axis=0).T
    return words.reshape(len(x), len(y), size)


# FROM_COLUMN[c] has a 1 in every column from c on.
FROM_COLUMN = np.array([(2**CANVAS - 1) >> column for column in range(CANVAS + 1)], np.uint64)


def fixed_point(
    v: Float[np.ndarray, "position vertex"], size: int
) -> Float[np.ndarray, "position vertex"]:
    """Coordinates on a canvas of `size` pixels, rounded to whole units of 1/256 pixel."""
    return np.floor(UNIT * (v * (size / CANVAS)) + 0.5)


def crossings(Y: Float[np.ndarray, "posY vertex"], size: int) -> tuple[np.ndarray, ...]:
    """Every (posY, edge, row) where an edge crosses the centre line of a row, sorted by row.

    Edge e joins vertices e and e + 1. An edge from Y = a down to Y = b crosses the centres with
    a < centre <= b, so that a vertex on a centre line counts for one of its two edges.
    """
    below = np.floor(Y / UNIT + 0.5).astype(int)  # the first row whose centre is further down
    other = np.roll(below, -1, axis=1)
    count = np.abs(below - other).ravel()
    which = np.repeat(np.arange(count.size), count)
    nth = np.arange(which.size) - np.repeat(np.cumsum(count) - count, count)
    row = np.minimum(below, other).ravel()[which] + nth
    at_y, edge = np.divmod(which, Y.shape[1])
    order = np.argsort(at_y * size + row, kind="stable")
    return at_y[order], edge[order], row[order]


def first_columns(
    X: Float[np.ndarray, "posX vertex"],
    Y: Float[np.ndarray, "posY vertex"],
    at_y: Int[np.ndarray, " crossing"],
    edge: Int[np.ndarray, " crossing"],
    row: Int[np.ndarray, " crossing"],
) -> Int[np.ndarray, "crossing posX"]:
    """The first column whose centre is not left of the crossing.

    Numerator and denominator are whole numbers far below 2^53 and the quotient is rounded once, so
    a crossing exactly on a pixel's centre is seen as such.
    """
    dX, dY = (np.roll(V, -1, axis=1) - V for V in (X, Y))
    height = dY[at_y, edge][:, None]
    down = (UNIT * row + UNIT // 2 - Y[at_y, edge])[:, None]
    past_centre = X.T[edge] - UNIT // 2
    return np.ceil((past_centre * height + down * dX.T[edge]) / (UNIT * height)).astype(int)


def pack(words: UInt64[np.ndarray, "posX posY row"], size: int) -> UInt8[np.ndarray, "image byte"]:
    """Each image's pixels, row after row, packed without gaps."""
    rows = words.astype(">u8").view(np.uint8).reshape(-1, size, CANVAS // 8)
    if size % 8 == 0:  # whole bytes, nothing to shift
        return rows[:, :, : size // 8].reshape(len(rows), -1)
    columns = np.unpackbits(rows, axis=2)[:, :, :size]
    return np.packbits(columns.reshape(len(rows), -1), axis=1)
