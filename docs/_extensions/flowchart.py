"""A page's mermaid flowcharts as pictures: layers, nodes between their neighbours, arrows."""

import re
from html import escape
from itertools import pairwise

import networkx as nx

ARROW = re.compile(r"(\w+) --> (\w+)")
FENCE = re.compile(r"```mermaid\nflowchart (TB|BT)\n(.*?)```", re.S)
WIDE, HIGH, LETTER, GAP = 64, 26, 8.2, 18  # of layers and boxes, in pixels
Place = tuple[float, float]


def drawn(text: str) -> str:
    """A page's text with pictures in place of its flowcharts."""
    return FENCE.sub(
        lambda m: f"```{{raw}} html\n{svg(ARROW.findall(m[2]), m[1] == 'BT')}\n```", text
    )


def svg(arrows: list[tuple[str, str]], upwards: bool) -> str:
    """The flowchart of these arrows, its first layer at the bottom or at the top."""
    layers, routes = layered(arrows)
    places, width = _placed(layers)
    height = len(layers) * WIDE - WIDE + HIGH
    if upwards:
        places = {node: (x, height - y) for node, (x, y) in places.items()}
    ends = {node: HIGH / 2 * (-1 if upwards else 1) for node in places}
    lines = "".join(_line([places[node] for node in route], ends[route[0]]) for route in routes)
    boxes = "".join(_box(node, places[node]) for node in nx.DiGraph(arrows))
    words = escape(", ".join(f"{a} to {b}" for a, b in arrows))
    size = f'viewBox="0 0 {width:g} {height:g}" style="max-width:{width:g}px"'
    return (
        f'<svg class="flowchart" role="img" aria-label="{words}" {size}>{HEAD}{lines}{boxes}</svg>'
    )


HEAD = (
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto"><path d="M0 0L8 4L0 8Z" fill="currentColor"/></marker></defs>'
)


def layered(arrows: list[tuple[str, str]]) -> tuple[list[list[str]], list[list[str]]]:
    """Nodes in layers, so that arrows go onward, and each arrow's way through them.

    An arrow across several layers has a place of its own in each, named by a blank.
    """
    graph = nx.DiGraph(arrows)
    layer = {n: i for i, nodes in enumerate(nx.topological_generations(graph)) for n in nodes}
    routes = [[a, *(f" {a} {b} {i}" for i in range(layer[a] + 1, layer[b])), b] for a, b in arrows]
    steps = nx.DiGraph([step for route in routes for step in pairwise(route)])
    return _ordered([list(nodes) for nodes in nx.topological_generations(steps)], steps), routes


def _ordered(layers: list[list[str]], steps: nx.DiGraph) -> list[list[str]]:
    """Each layer sorted by the mean place of its neighbours, down and up in turn."""
    for sweep in range(8):
        down = sweep % 2 == 0
        for i in range(1, len(layers)) if down else range(len(layers) - 2, -1, -1):
            beside = layers[i - 1] if down else layers[i + 1]
            near = steps.predecessors if down else steps.successors
            place = {node: k / len(beside) for k, node in enumerate(beside)}
            layers[i].sort(key=lambda n: _mean([place[m] for m in near(n) if m in place]))
    return layers


def _mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.5


def _wide(node: str) -> float:
    return 8 if node.startswith(" ") else LETTER * len(node) + 16


def _placed(layers: list[list[str]]) -> tuple[dict[str, Place], float]:
    """The middle of each node, the layers centred, and the width of all."""
    widths = [sum(map(_wide, layer)) + GAP * (len(layer) - 1) for layer in layers]
    places: dict[str, Place] = {}
    for row, layer in enumerate(layers):
        left = (max(widths) - widths[row]) / 2
        for node in layer:
            places[node] = left + _wide(node) / 2, row * WIDE + HIGH / 2
            left += _wide(node) + GAP
    return places, max(widths)


def _line(route: list[Place], end: float) -> str:
    """A curve from the edge of the first box to that of the last."""
    (x, y), *between, (u, v) = route
    points = [(x, y + end), *between, (u, v - end)]
    curves = "".join(
        f"C{a:g} {(b + d) / 2:g} {c:g} {(b + d) / 2:g} {c:g} {d:g}"
        for (a, b), (c, d) in pairwise(points)
    )
    return (
        f'<path d="M{points[0][0]:g} {points[0][1]:g}{curves}" fill="none" stroke="currentColor" '
        'marker-end="url(#head)"/>'
    )


def _box(node: str, place: Place) -> str:
    x, y = place
    return (
        f'<rect x="{x - _wide(node) / 2:g}" y="{y - HIGH / 2:g}" width="{_wide(node):g}" '
        f'height="{HIGH}" rx="5"/><text x="{x:g}" y="{y:g}">{escape(node)}</text>'
    )
