// Search with facets. A facet's counts ignore its own choices, so a customer sees what else there is.

import { get } from "/demo/api.js";
import { AVAILABILITY, el, marked, money, tile } from "/demo/dom.js";

const CHOICES = ["category", "vendor", "availability", "rating_min", "currency", "price_min", "price_max"];

export async function search(parameters, signal) {
  const query = Object.fromEntries(parameters);
  const found = await get("/search", { ...query, limit: 24 }, signal);
  const { value, exact } = found.total;
  document.title = `${query.q} · Demo shop`;
  return [
    el("aside", {}, facets(found.facets, parameters)),
    el("section", {},
      el("div", { className: "bar" },
        el("h1", {}, `${exact ? "" : "More than "}${value} for “${query.q}”`),
        CHOICES.some((choice) => parameters.has(choice))
          ? el("a", { className: "reset", href: link(new URLSearchParams({ q: query.q })) }, "Clear filters") : null),
      found.corrected ? el("p", { className: "corrected" }, "Showing results for ", el("b", {}, found.corrected)) : null,
      el("div", { className: "grid" }, found.items.map((item) => tile(item, title(item))))),
  ];
}

function title({ title, highlights = [] }) {
  const highlight = highlights.find(({ field }) => field === "title");
  return highlight ? marked(highlight.text, highlight.ranges) : title;
}

const link = (parameters) => `#/s?${parameters}`;

/** The parameters with these changed; choosing what is chosen already takes it back. */
function toggled(parameters, changes) {
  const next = new URLSearchParams(parameters);
  const chosen = Object.entries(changes).every(([name, value]) => next.get(name) === value);
  for (const [name, value] of Object.entries(changes)) {
    if (chosen || value === null) next.delete(name);
    else next.set(name, value);
  }
  return { href: link(next), chosen };
}

function facets(facets, parameters) {
  const choice = (changes, text, count) => {
    const { href, chosen } = toggled(parameters, changes);
    return el("li", {}, el("a", { href, className: chosen ? "current" : "" }, text),
      el("span", { className: "count" }, String(count)));
  };
  const group = (name, choices) => choices.length
    ? [el("h2", {}, name), el("ul", { className: "tree" }, choices)] : [];
  return [
    ...group("Category", facets.category.slice(0, 8).map(({ value, count }) => choice({ category: value }, value, count))),
    ...group("Price", facets.price.map(({ currency, from, to, count }) => choice(
      { currency, price_min: String(from ?? 0), price_max: to === null ? null : String(to) },
      to === null ? `${money({ amount_minor: from, currency })} and more`
        : `${money({ amount_minor: from ?? 0, currency })} – ${money({ amount_minor: to, currency })}`, count))),
    ...group("Availability", facets.availability.map(({ value, count }) =>
      choice({ availability: value }, AVAILABILITY[value], count))),
    ...group("Rating", facets.rating.map(({ from, count }) => choice({ rating_min: String(from) }, `${from} ★ and more`, count))),
    ...group("Brand", facets.vendor.slice(0, 8).map(({ value, count }) => choice({ vendor: value }, value, count))),
  ];
}
