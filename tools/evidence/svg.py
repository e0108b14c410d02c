"""Charts as SVG text: lines in panels with one legend, and rows of points with intervals.

The background is white in every colour scheme, since colours are chosen for it.
"""
from xml.sax.saxutils import escape

COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b",
           "#e377c2", "#7f7f7f", "#bcbd22", "#111111", "#1b4d3e")
STYLE = ("text { font: 13px sans-serif; fill: #222; } .title { font-weight: bold; } "
         ".grid { stroke: #ddd; } .axis { stroke: #555; }")


def picture(width, height, parts):
    return ('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
            'viewBox="0 0 %d %d">\n<style>%s</style>\n<rect width="100%%" height="100%%" '
            'fill="#fff"/>\n%s\n</svg>\n' % (width, height, width, height, STYLE, "\n".join(parts)))


def text(x, y, content, anchor="start", kind=""):
    return '<text x="%.1f" y="%.1f" text-anchor="%s"%s>%s</text>' % (
        x, y, anchor, ' class="%s"' % kind if kind else "", escape(content))


def line(x1, y1, x2, y2, kind):
    return '<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" class="%s"/>' % (x1, y1, x2, y2, kind)


def drawn(colour, is_dashed):
    return 'stroke="%s" stroke-width="1.8" fill="none"%s' % (
        colour, ' stroke-dasharray="5 3"' if is_dashed else "")


class Frame:
    """A plotting area, and where values lie in it."""

    def __init__(self, left, top, width, height, x_range, y_range):
        self.left, self.top, self.width, self.height = left, top, width, height
        self.x_range, self.y_range = x_range, y_range

    def x(self, value):
        low, high = self.x_range
        return self.left + self.width * (value - low) / (high - low)

    def y(self, value):
        low, high = self.y_range
        return self.top + self.height * (high - value) / (high - low)

    def vertical(self, ticks, form="%g"):
        return [part for v in ticks for part in (
            line(self.x(v), self.top, self.x(v), self.top + self.height, "grid"),
            text(self.x(v), self.top + self.height + 16, form % v, "middle"))]

    def horizontal(self, ticks, form="%g"):
        return [part for v in ticks for part in (
            line(self.left, self.y(v), self.left + self.width, self.y(v),
                 "axis" if v == 0 else "grid"),
            text(self.left - 6, self.y(v) + 4, form % v, "end"))]


def panel(frame, title, series, x_label):
    """series: [(name, xs, ys, colour, is_dashed)]; ys may hold None."""
    x_ticks = sorted({x for _, xs, _, _, _ in series for x in xs})
    step = max(1, len(x_ticks) // 10)
    parts = frame.vertical(x_ticks[::step]) + frame.horizontal(ticks_between(*frame.y_range))
    parts.append(text(frame.left, frame.top - 8, title, kind="title"))
    parts.append(text(frame.left + frame.width, frame.top + frame.height + 32, x_label, "end"))
    for name, xs, ys, colour, is_dashed in series:
        points = ["%.1f,%.1f" % (frame.x(x), frame.y(max(frame.y_range[0], y)))
                  for x, y in zip(xs, ys) if y is not None]
        parts.append('<polyline points="%s" %s><title>%s</title></polyline>'
                     % (" ".join(points), drawn(colour, is_dashed), escape(name)))
    return parts


def ticks_between(low, high):
    step = 0.25 if high - low <= 1.6 else 0.5
    first = int(low / step) - (low < 0)
    return [i * step for i in range(first, int(high / step) + 1) if i * step >= low - 1e-9]


def line_chart(panels, columns, y_range, x_label, notes=()):
    """panels: [(title, series)], drawn row by row; names of series are the same in all."""
    width, height, gap_x, gap_y, legend = 300, 190, 60, 68, 170
    x_max = max(x for _, series in panels for _, xs, _, _, _ in series for x in xs)
    parts = []
    for i, (title, series) in enumerate(panels):
        frame = Frame(46 + (width + gap_x) * (i % columns), 30 + (height + gap_y) * (i // columns),
                      width, height, (1, max(2, x_max)), y_range)
        parts += panel(frame, title, series, x_label)
    rows = -(-len(panels) // columns)
    left = 46 + (width + gap_x) * min(columns, len(panels)) - gap_x + 24
    named = [(name, colour, is_dashed) for name, _, _, colour, is_dashed in panels[0][1]]
    for i, (name, colour, is_dashed) in enumerate(named):
        y = 40 + 20 * i
        parts.append('<path d="M%d %d h26" %s/>' % (left, y - 4, drawn(colour, is_dashed)))
        parts.append(text(left + 34, y, name))
    for i, note in enumerate(notes):
        parts.append(text(left, 40 + 20 * len(named) + 12 + 17 * i, note))
    return picture(left + legend, 30 + (height + gap_y) * rows - 10, parts)


def mark(x, y, low, high, colour):
    return ['<path d="M%.1f %.1f H%.1f" %s/>' % (low, y, high, drawn(colour, False)),
            '<circle cx="%.1f" cy="%.1f" r="3.6" fill="%s"/>' % (x, y, colour)]


def interval_chart(names, systems, panels):
    """A row for each name, in it a point for each system.  systems: [(name, colour)];
    panels: [(title, (low, high), ticks, target, values)], values[name][system] =
    (middle, low, high) or None."""
    row_height = 10 * len(systems) + 14
    width, left, top = 300, 120, 66
    height = row_height * len(names)
    parts, x = [], left
    for i, (system, colour) in enumerate(systems):
        at = left + 150 * (i % 4)
        parts += mark(at + 12, 18 + 20 * (i // 4), at, at + 24, colour)
        parts.append(text(at + 30, 22 + 20 * (i // 4), system))
    for title, x_range, ticks, target, values in panels:
        frame = Frame(x, top, width, height, x_range, (0, 1))
        parts += frame.vertical(ticks) + [text(x, top - 8, title, kind="title")]
        if target is not None:
            parts.append('<path d="M%.1f %d v%d" stroke="#555" stroke-dasharray="2 3"/>'
                         % (frame.x(target), top, height))
        for row, name in enumerate(names):
            for i, (system, colour) in enumerate(systems):
                found = values[name][system]
                if found:
                    low, high = (max(x_range[0], min(x_range[1], v)) for v in found[1:3])
                    parts += mark(frame.x(max(x_range[0], found[0])),
                                  top + row * row_height + 12 + 10 * i, frame.x(low),
                                  frame.x(high), colour)
        x += width + 56
    for row, name in enumerate(names):
        y = top + row * row_height
        parts.append(text(left - 10, y + row_height / 2 + 4, name, "end"))
        parts.append(line(left, y, x - 56, y, "grid"))
    return picture(x - 26, top + height + 30, parts)
