"""Where rays of light meet solids: exact solutions, no meshes.

Points and directions are [x, y, z], y up; a ray is origin + t * direction, its direction of any
length. A solid is convex, stands on the floor y = 0 about the y axis, and is given at scale 1.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

Vectors = Float[np.ndarray, "3 #ray"]  # one may stand for all
Scalars = Float[np.ndarray, " #ray"]
UP = np.array([[0.0], [1.0], [0.0]])
TINY = 1e-12  # stands for nought where it would divide

SIDE = 1.7  # of the cube
CYLINDER = (0.88, 1.9)  # radius and height
CONE = (1.1, 2.3)


class Span(NamedTuple):
    """The part of a ray, from t = `first` to t = `last`, that lies in a solid; none if turned."""

    first: Scalars
    last: Scalars


class Solid(NamedTuple):
    """What a solid has in common with rays, and its outward unit normals at points of it."""

    span: Callable[[Vectors, Vectors], Span]
    normal: Callable[[Vectors], Vectors]


def entry(solid: Solid, scale: float, origin: Vectors, direction: Vectors) -> Scalars:
    """The t at which each ray that begins outside enters a scaled solid; inf where it passes by."""
    first, last = solid.span(origin / scale, direction)
    return np.where((first < last) & (first > 0), scale * first, np.inf)


def dot(p: Vectors, q: Vectors) -> Scalars:
    """The scalar products."""
    return (p * q).sum(axis=0)


def unit(vectors: Float[np.ndarray, "3 ..."]) -> Float[np.ndarray, "3 ..."]:
    """Vectors of length 1; nought stays as it is."""
    return vectors / np.maximum(np.sqrt((vectors**2).sum(axis=0)), TINY)


def to_walls(vectors: Vectors) -> Vectors:
    """The same vectors along axes an eighth of a turn about y from x and z."""
    x, y, z = vectors
    return np.stack([x + z, np.sqrt(2) * y, z - x]) / np.sqrt(2)


def from_walls(vectors: Vectors) -> Vectors:
    """The inverse of `to_walls`."""
    u, y, v = vectors
    return np.stack([u - v, np.sqrt(2) * y, u + v]) / np.sqrt(2)


def _both(*spans: Span) -> Span:
    """What lies in all of them."""
    firsts, lasts = zip(*spans, strict=True)
    return Span(np.maximum.reduce(firsts), np.minimum.reduce(lasts))


def _between(low: float, high: float, origin: Scalars, direction: Scalars) -> Span:
    """Where low <= origin + t direction <= high."""
    slope = np.where(direction == 0, TINY, direction)
    ends = (low - origin) / slope, (high - origin) / slope
    return Span(np.minimum(*ends), np.maximum(*ends))


def _roots(a: Scalars, b: Scalars, c: Scalars) -> Span:
    """The solutions of a t^2 + 2 b t + c = 0, the lower one first; (inf, -inf) if there is none."""
    a = np.where(np.abs(a) < TINY, TINY, a)
    square = b**2 - a * c
    root = np.sqrt(np.maximum(square, 0))
    low, high = (-b - np.sign(a) * root) / a, (-b + np.sign(a) * root) / a
    return Span(np.where(square < 0, np.inf, low), np.where(square < 0, -np.inf, high))


def _cube(origin: Vectors, direction: Vectors) -> Span:
    o, d = to_walls(origin), to_walls(direction)
    ends = ((-SIDE / 2, SIDE / 2), (0, SIDE), (-SIDE / 2, SIDE / 2))
    return _both(*(_between(*ends[axis], o[axis], d[axis]) for axis in range(3)))


def _cube_normal(point: Vectors) -> Vectors:
    from_centre = to_walls(point) - SIDE / 2 * UP
    face = np.abs(from_centre).argmax(axis=0) == np.arange(3)[:, None]
    return from_walls(face * np.sign(from_centre))


def _cylinder(origin: Vectors, direction: Vectors) -> Span:
    (x, y, z), (u, v, w) = origin, direction
    radius, height = CYLINDER
    side = _roots(u**2 + w**2, x * u + z * w, x**2 + z**2 - radius**2)
    return _both(side, _between(0, height, y, v))


def _cylinder_normal(point: Vectors) -> Vectors:
    x, y, z = point
    top = y > CYLINDER[1] * (1 - 1e-9)
    return np.where(top, UP, unit(np.stack([x, 0 * y, z])))


def _sphere(origin: Vectors, direction: Vectors) -> Span:
    """About (0, 1, 0), of radius 1."""
    from_centre = origin - UP
    a, b = dot(direction, direction), dot(from_centre, direction)
    return _roots(a, b, dot(from_centre, from_centre) - 1)


def _sphere_normal(point: Vectors) -> Vectors:
    return unit(point - UP)


def _cone(origin: Vectors, direction: Vectors) -> Span:
    """The lower half of the double cone about the tip, down to the floor.

    A ray flatter than the cone's side has one span in it; a steeper one comes from a half, or goes
    to it, without end.
    """
    (x, y, z), (u, v, w) = origin, direction
    radius, height = CONE
    slope, down = (radius / height) ** 2, height - y
    a = u**2 + w**2 - slope * v**2
    low, high = _roots(a, x * u + z * w + slope * down * v, x**2 + z**2 - slope * down**2)
    flat, falls = a > 0, v < 0
    first = np.where(flat, low, np.where(falls, high, -np.inf))
    last = np.where(flat, high, np.where(falls, np.inf, low))
    return _both(Span(first, last), _between(0, height, y, v))


def _cone_normal(point: Vectors) -> Vectors:
    """Of its side: nobody sees the base."""
    x, _, z = point
    radius, height = CONE
    return unit(np.stack([x, (radius / height) * np.hypot(x, z), z]))


SOLIDS = (
    Solid(_cube, _cube_normal),
    Solid(_cylinder, _cylinder_normal),
    Solid(_sphere, _sphere_normal),
    Solid(_cone, _cone_normal),
)
