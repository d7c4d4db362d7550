// The categories, and the products of one.

import { get } from "/demo/api.js";
import { el, tile } from "/demo/dom.js";

const SORTS = { newest: "Newest", popular: "Most rated", rating: "Best rated", price: "Price, low to high", "-price": "Price, high to low", title: "Title" };

export async function catalogue(category, parameters, signal) {
  const sort = parameters.get("sort") ?? "newest";
  const filters = { category, sort, limit: 24 };
  const [categories, first] = await Promise.all([get("/categories", {}, signal), get("/products", filters, signal)]);
  const grid = el("div", { className: "grid" }, first.items.map((product) => tile(product)));
  const order = el("select", { ariaLabel: "Order" }, Object.entries(SORTS).map(([word, text]) =>
    el("option", { value: word, selected: word === sort }, text)));
  order.addEventListener("change", () => {
    location.hash = `#/c/${encodeURIComponent(category)}?sort=${order.value}`;
  });
  document.title = category ? `${category} · Demo shop` : "Demo shop";
  return [
    el("aside", {}, el("h2", {}, "Categories"), tree(categories.items, category)),
    el("section", {},
      el("div", { className: "bar" }, el("h1", {}, category || "Everything"), order),
      grid, moreButton(grid, first.next, filters)),
  ];
}

/** A level of the tree; the branch that holds `current` is open. */
function tree(categories, current) {
  return el("ul", { className: "tree" }, categories.map(({ name, path, count, children }) => {
    const open = current === path || current.startsWith(`${path} > `);
    return el("li", {},
      el("a", { href: `#/c/${encodeURIComponent(path)}`, className: current === path ? "current" : "" }, name),
      el("span", { className: "count" }, String(count)),
      open && children.length ? tree(children, current) : null);
  }));
}

function moreButton(grid, next, filters) {
  const button = el("button", { className: "more", hidden: !next }, "Show more");
  button.addEventListener("click", async () => {
    button.disabled = true;
    const page = await get("/products", { ...filters, cursor: next });
    grid.append(...page.items.map((product) => tile(product)));
    next = page.next;
    button.hidden = !next;
    button.disabled = false;
  });
  return button;
}
