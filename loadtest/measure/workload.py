"""Requests of customers, drawn from a catalogue as a workload says: see workloads/."""

from __future__ import annotations

import bisect
import random
import sqlite3
import tomllib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from .process import MeasureError

FIELDS = "id,title,price.min,availability,images.url"


@dataclass(frozen=True)
class Workload:
    """What customers ask for."""

    zipf: float
    think: tuple[float, float]
    conditional: float
    seed: int
    mix: dict[str, int]
    codings: dict[str, int]

    @staticmethod
    def read(path: Path) -> Workload:
        """From a file; what it does not know is an error."""
        try:
            return Workload(**tomllib.loads(path.read_text()))
        except (OSError, TypeError, tomllib.TOMLDecodeError) as error:
            raise MeasureError(f"{path}: {error}") from error


@dataclass(frozen=True)
class Product:
    """What is needed to ask for one."""

    id: int
    handle: str


def public_products(catalogue: Path) -> list[Product]:
    """Those of a catalogue in SQLite that customers see."""
    with sqlite3.connect(f"file:{catalogue}?mode=ro", uri=True) as database:
        rows = database.execute(
            "SELECT d.product_id, p.handle FROM product_document d JOIN product p ON p.id = d.product_id"
            " WHERE d.body IS NOT NULL AND p.deleted_at IS NULL AND p.status = 'active'"
            " AND p.published_at IS NOT NULL ORDER BY 1"
        )
        found = [Product(*row) for row in rows]
    if not found:
        raise MeasureError(f"{catalogue} has no public products")
    return found


def draw(workload: Workload, products: list[Product], count: int, hot: int | None = None) -> list[list]:
    """So many requests: kind, path, Accept-Encoding, whether it revalidates. With `hot` for as many products alone."""
    chance = random.Random(workload.seed)
    products = list(products)
    chance.shuffle(products)
    products = products[:hot] if hot else products
    weights, total = [], 0.0
    for rank in range(1, len(products) + 1):
        total += rank**-workload.zipf
        weights.append(total)
    words = sorted({word for one in products for word in one.handle.split("-") if len(word) > 3}) or ["shirt"]
    kinds = chance.choices(list(workload.mix), list(workload.mix.values()), k=count)
    codings = chance.choices(list(workload.codings), list(workload.codings.values()), k=count)

    def path(kind: str, product: Product) -> str:
        match "product" if hot else kind:
            case "product":
                return f"/products/{product.id}"
            case "fields":
                return f"/products/{product.id}?fields={FIELDS}"
            case "page":
                return f"/products/{product.id}?include=reviews,recommendations"
            case "handle":
                return f"/products/by-handle/{quote(product.handle)}"
            case "stock":
                return f"/products/{product.id}/availability"
            case "reviews":
                return f"/products/{product.id}/reviews"
            case "list":
                return f"/products?limit=20&sort={chance.choice(['newest', 'updated', 'title', 'popular', 'price'])}"
            case "search":
                return f"/search?q={quote(chance.choice(words))}"
            case other:
                raise MeasureError(f"the workload has a kind {other!r} in its mix, which nobody knows")

    drawn = []
    for kind, coding in zip(kinds, codings):
        product = products[min(bisect.bisect(weights, chance.random() * total), len(products) - 1)]
        drawn.append([kind, path(kind, product), coding, int(chance.random() < workload.conditional)])
    return drawn
