"""Plots as SVG files: lines over two logarithmic axes, and bars of ratios.

    lines(path, "time", "rows", "seconds", {"training": [(1000, 0.2), (10000, 1.9)]})
    bars(path, "times faster", {"m = 1": {"openblas": (2.1, 2.0, 2.3)}})
"""

import math
from xml.sax.saxutils import escape

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#f0e442", "#000000",
           "#999999")  # Okabe and Ito, and grey
INK, FAINT, PAPER = "#222222", "#dddddd", "#ffffff"
WIDTH, HEIGHT = 720, 440
LEFT, RIGHT, TOP, BOTTOM = 80, 170, 50, 60  # margins; the legend is in the right one


class Picture:
    """Shapes in the order in which they are drawn."""

    def __init__(self, title, width=WIDTH, height=HEIGHT):
        self.width, self.height, self.shapes = width, height, []
        self.text(width / 2, 28, title, size=17, anchor="middle")

    def text(self, x, y, words, size=13, anchor="start", turned=False, colour=INK):
        turn = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turned else ""
        self.shapes.append(f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" '
                           f'text-anchor="{anchor}"{turn}>{escape(str(words))}</text>')

    def line(self, points, colour, width=1.0, dashes=""):
        places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        self.shapes.append(f'<polyline points="{places}" fill="none" stroke="{colour}" '
                           f'stroke-width="{width}"{dashed}/>')

    def dot(self, x, y, colour):
        self.shapes.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>')

    def box(self, x, y, width, height, colour):
        self.shapes.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
                           f'height="{height:.1f}" fill="{colour}"/>')

    def legend(self, names):
        for i, name in enumerate(names):
            y = TOP + 12 + 22 * i
            self.box(self.width - RIGHT + 16, y - 10, 12, 12, colour_of(i))
            self.text(self.width - RIGHT + 34, y, name)

    def save(self, path):
        head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" ' \
               f'height="{self.height}" viewBox="0 0 {self.width} {self.height}" ' \
               'font-family="sans-serif">'
        paper = f'<rect width="100%" height="100%" fill="{PAPER}"/>'
        path.write_text("\n".join([head, paper, *self.shapes, "</svg>", ""]))


def colour_of(i):
    return COLOURS[i % len(COLOURS)]


def short(value):
    """1000 as 1k, 0.001 as 1m."""
    for size, letter in ((1e6, "M"), (1e3, "k"), (1, "")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


# ---- Lines over logarithmic axes ---------------------------------------------------------------


class LogAxis:
    """From values to places; ticks at 1, 2 and 5 times powers of ten, or at the powers alone."""

    def __init__(self, values, begin, end):
        low, high = min(values), max(values)
        if high / low < 4:  # a flat line has room above and below
            low, high = low / 2, high * 2
        self.low, self.high = math.log10(low), math.log10(high)
        self.begin, self.end = begin, end

    def place(self, value):
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.begin + share * (self.end - self.begin)

    def ticks(self):
        steps = (1,) if self.high - self.low > 2.5 else (1, 2, 5)
        powers = range(math.floor(self.low), math.ceil(self.high) + 1)
        values = [step * 10.0**power for power in powers for step in steps]
        inside = [v for v in values if self.low - 1e-9 <= math.log10(v) <= self.high + 1e-9]
        return [float(f"{value:.6g}") for value in inside]


def draw_grid(picture, across, up, x_label, y_label):
    left, right = across.begin, across.end
    bottom, top = up.begin, up.end
    for value in across.ticks():
        x = across.place(value)
        picture.line([(x, bottom), (x, top)], FAINT)
        picture.text(x, bottom + 20, short(value), anchor="middle")
    for value in up.ticks():
        y = up.place(value)
        picture.line([(left, y), (right, y)], FAINT)
        picture.text(left - 8, y + 4, short(value), anchor="end")
    picture.line([(left, top), (left, bottom), (right, bottom)], INK)
    picture.text((left + right) / 2, bottom + 44, x_label, anchor="middle")
    picture.text(left - 56, (top + bottom) / 2, y_label, anchor="middle", turned=True)


def lines(path, title, x_label, y_label, series):
    """series: {name: [(x, y), ...]}, all above zero."""
    picture = Picture(title)
    points = [point for line in series.values() for point in line]
    across = LogAxis([x for x, _ in points], LEFT, WIDTH - RIGHT)
    up = LogAxis([y for _, y in points], HEIGHT - BOTTOM, TOP)
    draw_grid(picture, across, up, x_label, y_label)
    for i, line in enumerate(series.values()):
        places = [(across.place(x), up.place(y)) for x, y in sorted(line)]
        picture.line(places, colour_of(i), width=2)
        for place in places:
            picture.dot(*place, colour_of(i))
    picture.legend(series)
    picture.save(path)


# ---- Bars ----------------------------------------------------------------------------------------


BAR, GAP = 16, 14


def bars(path, title, groups):
    """groups: {what was measured: {name: (value, low, high)}}; a line stands at 1."""
    names = list(dict.fromkeys(name for group in groups.values() for name in group))
    left = 24 + 8 * max(len(label) for label in groups)
    tall = sum(BAR * len(group) + GAP for group in groups.values())
    picture = Picture(title, height=TOP + tall + 40)
    largest = max(high for group in groups.values() for _, _, high in group.values())
    scale = (WIDTH - RIGHT - left - 40) / max(largest, 1)  # 40: for the number behind a bar
    draw_ruler(picture, left, scale, TOP + tall, largest)
    y = TOP
    for label, group in groups.items():
        picture.text(left - 10, y + (BAR * len(group) + GAP) / 2 + 4, label, anchor="end")
        y += GAP / 2
        for name, (value, low, high) in group.items():
            picture.box(left, y + 1, value * scale, BAR - 2, colour_of(names.index(name)))
            middle = y + BAR / 2
            picture.line([(left + low * scale, middle), (left + high * scale, middle)], INK, 1.5)
            picture.text(left + max(value, high) * scale + 6, middle + 4, f"{value:.2f}", size=12)
            y += BAR
        y += GAP / 2
    picture.line([(left + scale, TOP), (left + scale, TOP + tall)], INK, 1.5, dashes="5 4")
    picture.legend(names)
    picture.save(path)


def draw_ruler(picture, left, scale, bottom, largest):
    step = 10 ** math.floor(math.log10(max(largest, 1)))
    step = step / 2 if largest / step < 3 else step
    for i in range(int(largest / step) + 1):
        x = left + i * step * scale
        picture.line([(x, TOP), (x, bottom)], FAINT)
        picture.text(x, bottom + 20, f"{i * step:g}", anchor="middle")
    picture.line([(left, TOP), (left, bottom)], INK)
