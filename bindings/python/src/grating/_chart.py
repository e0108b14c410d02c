"""The settling chart: each document's score after each layer, as SVG."""
from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .result import Result

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 360, 48, 140, 16, 36
N_OTHERS = 2  # lines drawn for each of the top K, at most, beside theirs


def _logistic(logit: float) -> float:
    return 1 / (1 + math.exp(-logit)) if logit >= 0 else 1 - 1 / (1 + math.exp(logit))


class Chart:
    """Lines end where a document was decided; the top K are drawn thick and named."""

    def __init__(self, result: Result) -> None:
        if not result.trace:
            raise ValueError("no scores by layer: rank with trace=True")
        self._result = result

    def _points(self, index: int) -> list[tuple[float, float]]:
        return [(step.layer, _logistic(step.scores_by_index[index]))
                for step in self._result.trace or () if index in step.scores_by_index]

    def _repr_svg_(self) -> str:
        n_layers = max(self._result.stats.n_layers, 1)
        n_top = len(self._result)
        across, down = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

        def place(layer: float, score: float) -> str:
            return f"{LEFT + across * layer / n_layers:.1f},{TOP + down * (1 - score):.1f}"

        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            'aria-label="Scores by layer"><style>text{font:12px system-ui,sans-serif;'
            'fill:currentColor}line{stroke:currentColor;stroke-opacity:.3}</style>']
        for tenth in range(0, 11, 2):
            y = TOP + down * (1 - tenth / 10)
            lines.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{LEFT + across}" y2="{y:.1f}"/>'
                         f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tenth / 10}</text>')
        lines.append(f'<text x="{LEFT + across / 2:.0f}" y="{HEIGHT - 8}" text-anchor="middle">'
                     f'layer (of {n_layers})</text>')
        shown = list(self._result.all())[:n_top * (1 + N_OTHERS)]
        for rank, item in reversed(list(enumerate(shown, 1))):
            points = self._points(item.index)
            if not points:
                continue
            is_best = rank <= n_top
            path = " ".join(place(*point) for point in points)
            colour, width = ("#2f6f9f", 2.5) if is_best else ("#999999", 1)
            name = html.escape(str(item.index if item.id is None else item.id))
            lines.append(f'<polyline points="{path}" fill="none" stroke="{colour}" '
                         f'stroke-width="{width}"><title>{rank}: {name}</title></polyline>')
            end_x, end_y = place(*points[-1]).split(",")
            lines.append(f'<circle cx="{end_x}" cy="{end_y}" r="{3 if is_best else 2}" '
                         f'fill="{colour}"/>')
            if is_best:
                lines.append(f'<text x="{float(end_x) + 6:.1f}" y="{float(end_y) + 4:.1f}">{rank}: '
                             f'{name[:16]}</text>')
        return "".join(lines) + "</svg>"

    def save(self, path: str) -> None:
        """Writes the picture as an SVG file."""
        with open(path, "w", encoding="utf-8") as file:
            file.write(self._repr_svg_())
