// One product: its pictures, variants with exact stock, reviews and what else may please.

import { get } from "/demo/api.js";
import { AVAILABILITY, el, money, priceRange, richText, stars, tile } from "/demo/dom.js";

export async function product(id, signal) {
  // The product with its first page of reviews and its recommendations in one request.
  const product = await get(`/products/${id}`, { include: "reviews,recommendations" }, signal);
  document.title = `${product.title} · Demo shop`;
  return [
    el("article", { className: "product" },
      gallery(product.images),
      el("div", {},
        el("p", { className: "small" }, el("a", { href: `#/c/${encodeURIComponent(product.category)}` }, product.category)),
        el("h1", {}, product.title),
        el("p", { className: "small" }, product.vendor, " ", stars(product.rating)),
        purchase(product, signal),
        richText(product.description_html),
        facts(product.attributes))),
    product.recommendations.length
      ? el("section", { className: "wide", id: "recommendations" }, el("h2", {}, "You may also like"),
        el("div", { className: "grid" }, product.recommendations.slice(0, 6).map((item) => tile(item)))) : null,
    reviews(product),
  ].filter(Boolean);
}

function gallery(images) {
  if (!images.length) return el("div", { className: "gallery" });
  const main = el("img", { src: images[0].url, alt: images[0].alt, width: 800, height: 600 });
  const small = images.map(({ url, alt }) => {
    const button = el("button", { ariaLabel: alt }, el("img", { src: url, alt: "", width: 100, height: 75 }));
    button.addEventListener("click", () => Object.assign(main, { src: url, alt }));
    return button;
  });
  return el("div", { className: "gallery" }, main, el("div", { className: "thumbs" }, small));
}

/** Choosing a variant by its options, its price and what is left of it. */
function purchase(product, signal) {
  const { options, variants } = product;
  let chosen = variants.find(({ availability }) => availability !== "out_of_stock") ?? variants[0];
  const price = el("p", { className: "price" });
  const stock = el("p", { id: "stock" });
  const exact = get(`/products/${product.id}/availability`, {}, signal).catch(() => null);
  const box = el("div", { className: "purchase" });

  async function show() {
    const was = chosen?.compare_at_price ? [" ", el("s", {}, money(chosen.compare_at_price))] : [];
    price.replaceChildren(chosen ? money(chosen.price) : priceRange(product.price), ...was);
    const availability = chosen?.availability ?? product.availability;
    stock.className = `stock ${availability}`;
    stock.textContent = AVAILABILITY[availability];
    const shown = chosen;
    const left = (await exact)?.variants.find(({ id }) => id === shown?.id)?.available;
    if (shown === chosen && left > 0) stock.textContent = `${AVAILABILITY[availability]} (${left})`;
  }

  /** The variant with this value that keeps most of the other choices. */
  function nearest(name, value) {
    const kept = ({ options }) => Object.entries(chosen.options).filter(([other, was]) => options[other] === was).length;
    const fitting = variants.filter(({ options }) => options[name] === value);
    return fitting.sort((one, other) => kept(other) - kept(one))[0];
  }

  const groups = options.map(({ name, values }) => {
    const buttons = values.map((value) => {
      const button = el("button", { ariaPressed: String(chosen?.options[name] === value) }, value);
      button.disabled = !variants.some(({ options }) => options[name] === value);
      button.addEventListener("click", () => {
        chosen = nearest(name, value);
        for (const other of box.querySelectorAll("[data-option]")) {
          other.ariaPressed = String(chosen.options[other.dataset.option] === other.textContent);
        }
        show();
      });
      button.dataset.option = name;
      return button;
    });
    return el("div", { className: "options" }, el("span", {}, name), buttons);
  });
  show();
  box.append(price, ...groups, stock);
  return box;
}

function facts(attributes) {
  const plain = Object.entries(attributes).filter(([, value]) => typeof value !== "object");
  return plain.length ? el("table", { className: "facts" }, plain.map(([name, value]) =>
    el("tr", {}, el("th", {}, name.replaceAll("_", " ")), el("td", {}, String(value))))) : null;
}

function reviews(product) {
  const list = el("div", {}, product.reviews.items.map(review));
  let { next } = product.reviews;
  const more = el("button", { className: "more", hidden: !next }, "More reviews");
  more.addEventListener("click", async () => {
    const page = await get(`/products/${product.id}/reviews`, { cursor: next });
    list.append(...page.items.map(review));
    next = page.next;
    more.hidden = !next;
  });
  const none = product.reviews.items.length ? null : el("p", { className: "small" }, "No review yet.");
  return el("section", { className: "wide", id: "reviews" }, el("h2", {}, "Reviews"), none, list, more);
}

function review({ rating, title, body, author, created_at }) {
  const day = new Date(created_at).toLocaleDateString(undefined, { dateStyle: "long" });
  return el("blockquote", {}, el("p", {}, "★".repeat(rating), " ", el("b", {}, title)), el("p", {}, body),
    el("p", { className: "small" }, `${author}, ${day}`));
}
