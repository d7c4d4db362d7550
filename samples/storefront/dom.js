// Making elements. Text from the API only ever becomes text: nothing here parses it as HTML, but
// `richText`, which copies a few harmless elements and no attribute.

/** An element with properties and children; `null` children are left out. */
export function el(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in element) element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

const HARMLESS = new Set(["P", "UL", "OL", "LI", "STRONG", "EM", "B", "I", "BR", "H2", "H3", "H4"]);

/** A product description. What is not harmless is left out, its text stays. */
export function richText(html) {
  const copy = (source, target) => {
    for (const node of source.childNodes) {
      if (node.nodeType === Node.TEXT_NODE) target.append(node.data);
      else if (node.nodeType === Node.ELEMENT_NODE && !["SCRIPT", "STYLE", "TEMPLATE"].includes(node.nodeName)) {
        copy(node, HARMLESS.has(node.nodeName) ? target.appendChild(el(node.nodeName)) : target);
      }
    }
  };
  const target = el("div", { className: "description" });
  copy(new DOMParser().parseFromString(html, "text/html").body, target);
  return target;
}

/** Text with some stretches marked: pairs of UTF-16 positions, as the search gives them. */
export function marked(text, ranges) {
  const parts = [];
  let end = 0;
  for (const [from, to] of ranges) {
    parts.push(text.slice(end, from), el("mark", {}, text.slice(from, to)));
    end = to;
  }
  return [...parts, text.slice(end)];
}

/** An amount of minor units in the reader's way of writing money. */
export function money({ amount_minor, currency }) {
  const format = new Intl.NumberFormat(undefined, { style: "currency", currency });
  return format.format(amount_minor / 10 ** format.resolvedOptions().maximumFractionDigits);
}

export function priceRange(price) {
  if (!price) return "No price";
  const { min, max } = price;
  return min.amount_minor === max.amount_minor ? money(min) : `${money(min)} – ${money(max)}`;
}

export function stars(rating) {
  if (!rating?.count) return null;
  const full = Math.round(rating.average);
  return el("span", { className: "stars", title: `${rating.average} of 5` },
    "★".repeat(full), el("span", { className: "dim" }, "★".repeat(5 - full)), ` ${rating.count}`);
}

export const AVAILABILITY = { in_stock: "In stock", low_stock: "Only a few left", out_of_stock: "Sold out" };

/** A product as a tile, from a document, a search item or a recommendation. */
export function tile(product, title = product.title) {
  const image = product.image ?? product.images?.[0];
  return el("a", { className: "tile", href: `#/p/${product.id}` },
    image ? el("img", { src: image.url, alt: image.alt ?? "", loading: "lazy", width: 400, height: 300 }) : null,
    el("h3", {}, title),
    el("p", { className: "price" }, priceRange(product.price)),
    el("p", { className: "small" }, stars(product.rating),
      el("span", { className: `stock ${product.availability}` }, AVAILABILITY[product.availability])));
}
