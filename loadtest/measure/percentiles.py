"""Percentiles of what was measured."""

import math


def nearest_rank(ordered: list[float], part: float) -> float:
    """The smallest value that at least this part of all is not above; `ordered` rises and is not empty."""
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]
