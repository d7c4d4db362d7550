"""Charts as SVG, to be put into a page or a file as they are: nothing is loaded from anywhere."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from html import escape

WIDTH, HEIGHT = 860, 280
LEFT, RIGHT, TOP, BOTTOM = 66, 16, 34, 40
# Told apart by people who see no red and green, too (Okabe and Ito).
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999999", "#000000"]


@dataclass
class Series:
    """A line: points of x and y, y None where nothing was measured."""

    name: str
    points: list[tuple[float, float | None]]
    # An earlier run, say.
    dashed: bool = False
    colour: str | None = None
    # Whether a value holds until the next one.
    steps: bool = False


@dataclass
class Chart:
    """Lines over a common x."""

    title: str
    unit: str
    series: list[Series]
    x_unit: str = "s"
    # A logarithmic y, for what goes over several powers of ten.
    log: bool = False
    # Horizontal lines to keep below: name and value.
    limits: list[tuple[str, float]] = field(default_factory=list)
    # Moments: x and what happened.
    marks: list[tuple[float, str]] = field(default_factory=list)

    def svg(self) -> str:
        """The picture."""
        xs = [x for one in self.series for x, _ in one.points] or [0.0, 1.0]
        ys = [y for one in self.series for _, y in one.points if y is not None]
        ys += [value for _, value in self.limits]
        if self.log:
            ys = [y for y in ys if y > 0]
        low_x, high_x = min(xs), max(max(xs), min(xs) + 1e-9)
        ticks = logarithmic(ys) if self.log else linear(0.0, max(ys, default=1.0) or 1.0)
        low_y, high_y = ticks[0], ticks[-1]

        def place_x(x: float) -> float:
            return LEFT + (x - low_x) / (high_x - low_x) * (WIDTH - LEFT - RIGHT)

        def place_y(y: float) -> float:
            if self.log:
                y = max(y, low_y)
                part = math.log(y / low_y) / math.log(high_y / low_y)
            else:
                part = (y - low_y) / (high_y - low_y)
            return HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM)

        drawn = [f'<text class="title" x="{LEFT}" y="16">{escape(self.title)}, {escape(self.unit)}</text>']
        for tick in ticks:
            y = place_y(tick)
            drawn.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            drawn.append(f'<text class="tick" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{short(tick)}</text>')
        for tick in linear(low_x, high_x, 8):
            if low_x <= tick <= high_x:
                x = place_x(tick)
                drawn.append(
                    f'<text class="tick" x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">'
                    f"{short(tick)} {escape(self.x_unit)}</text>"
                )
        for x, what in self.marks:
            at = place_x(x)
            drawn.append(
                f'<line class="mark" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
                f'<text class="tick" transform="translate({at + 3:.1f} {TOP + 2}) rotate(90)">{escape(what)}</text>'
            )
        for name, value in self.limits:
            y = place_y(value)
            drawn.append(
                f'<line class="limit" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
                f'<text class="tick" x="{WIDTH - RIGHT}" y="{y - 3:.1f}" text-anchor="end">{escape(name)}</text>'
            )
        legend = LEFT
        for number, one in enumerate(self.series):
            colour = one.colour or COLOURS[number % len(COLOURS)]
            dash = ' stroke-dasharray="5 4"' if one.dashed else ""
            placed = [
                (place_x(x), None if y is None or (self.log and y <= 0) else place_y(y)) for x, y in one.points
            ]
            drawn.append(f'<path fill="none" stroke="{colour}" stroke-width="1.6"{dash} d="{path(placed, one.steps)}"/>')
            drawn.append(
                f'<line x1="{legend}" x2="{legend + 18}" y1="{HEIGHT - 10}" y2="{HEIGHT - 10}" stroke="{colour}"'
                f' stroke-width="3"{dash}/><text class="tick" x="{legend + 22}" y="{HEIGHT - 6}">{escape(one.name)}</text>'
            )
            legend += 38 + 7 * len(one.name)
        return wrap("".join(drawn), WIDTH, HEIGHT)


def bars(title: str, unit: str, rows: list[tuple[str, float]], highlighted: str | None = None) -> str:
    """A picture of one bar for each row, with its value."""
    height = TOP + 26 * len(rows) + 8
    widest = max((value for _, value in rows), default=1.0) or 1.0
    label = 250
    drawn = [f'<text class="title" x="8" y="16">{escape(title)}, {escape(unit)}</text>']
    for number, (name, value) in enumerate(rows):
        y = TOP + 26 * number
        length = value / widest * (WIDTH - label - 100)
        colour = COLOURS[1] if name == highlighted else COLOURS[0]
        drawn.append(
            f'<text class="tick" x="{label - 8}" y="{y + 13}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="{label}" y="{y}" width="{length:.1f}" height="18" fill="{colour}"/>'
            f'<text class="tick" x="{label + length + 6:.1f}" y="{y + 13}">{short(value)}</text>'
        )
    return wrap("".join(drawn), WIDTH, height)


def page(title: str, parts: list[str]) -> str:
    """A whole document that holds charts, tables and text, in light and in dark."""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width"><style>'
        ":root{color-scheme:light dark;font:15px/1.45 system-ui,sans-serif}body{max-width:900px;margin:2rem auto;padding:0 1rem}"
        "table{border-collapse:collapse;margin:1rem 0}td,th{padding:.25rem .7rem;border-bottom:1px solid #8885;text-align:left}"
        "td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}.missed{color:#d55e00;font-weight:600}"
        f".met{{color:#009e73}}svg{{max-width:100%;height:auto}}pre{{overflow-x:auto}}</style><h1>{escape(title)}</h1>"
        + "\n".join(parts)
        + "</html>\n"
    )


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table; what looks like a number is set to the right, and verdicts in their colours."""

    def cell(text: str) -> str:
        kind = text if text in ("met", "missed") else "number" if text[:1].isdigit() or text[:1] in "−-+" else ""
        return f'<td class="{kind}">{escape(text)}</td>'

    heads = "".join(f"<th>{escape(one)}</th>" for one in head)
    body = "".join("<tr>" + "".join(map(cell, row)) + "</tr>" for row in rows)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"


def wrap(content: str, width: int, height: int) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        ' font-family="system-ui, sans-serif" font-size="11"><style>.title{font-weight:600;font-size:13px}'
        ".grid{stroke:#8884}.mark{stroke:#8888;stroke-dasharray:2 3}.limit{stroke:#d55e00;stroke-dasharray:6 3}"
        "text{fill:#333}@media(prefers-color-scheme:dark){text{fill:#ddd}}</style>"
        f"{content}</svg>"
    )


def path(points: list[tuple[float, float | None]], steps: bool) -> str:
    """With gaps where there is no y."""
    drawn, last = [], None
    for x, y in points:
        if y is not None:
            if last is None:
                drawn.append(f"M{x:.1f},{y:.1f}")
            else:
                drawn.append((f"L{x:.1f},{last:.1f}" if steps else "") + f"L{x:.1f},{y:.1f}")
        last = y
    return "".join(drawn)


def linear(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers, some `count` of them, that enclose both."""
    span = max(high - low, 1e-9)
    power = 10.0 ** math.floor(math.log10(span / count))
    step = next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= count)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [step * number for number in range(first, max(last, first + 1) + 1)]


def logarithmic(values: list[float]) -> list[float]:
    """Powers of ten that enclose all."""
    low = math.floor(math.log10(min(values, default=1.0)))
    high = math.ceil(math.log10(max(values, default=10.0)))
    return [10.0**power for power in range(low, max(high, low + 1) + 1)]


def short(value: float) -> str:
    """As a person would write it on an axis."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.4g}{letter}"
    return f"{value:.3g}"
