// Which page is shown follows from the fragment of the address alone, so that each has an address:
// #/ and #/c/CATEGORY list, #/s?q=… searches, #/p/ID shows a product.

import { catalogue } from "/demo/catalogue.js";
import { product } from "/demo/product.js";
import { search } from "/demo/search.js";

const page = document.getElementById("page");
const error = document.getElementById("error");
const form = document.getElementById("search");
let current = new AbortController();

async function show() {
  current.abort();
  current = new AbortController();
  const { signal } = current;
  const [path, query] = location.hash.slice(1).split("?");
  const [, kind, ...rest] = path.split("/");
  const parameters = new URLSearchParams(query);
  const name = decodeURIComponent(rest.join("/"));
  if (document.activeElement !== form.q) form.q.value = parameters.get("q") ?? "";
  page.setAttribute("aria-busy", "true");
  try {
    const content = await (
      kind === "p" ? product(name, signal)
      : kind === "s" ? search(parameters, signal)
      : catalogue(name, parameters, signal));
    if (signal.aborted) return;
    error.hidden = true;
    page.replaceChildren(...content);
    if (kind !== "s") scrollTo(0, 0);
  } catch (problem) {
    if (signal.aborted) return;
    error.textContent = problem.message;
    error.hidden = false;
    page.replaceChildren();
  }
  page.setAttribute("aria-busy", "false");
}

let typing;
form.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => {
    location.hash = form.q.value.trim() ? `#/s?${new URLSearchParams({ q: form.q.value })}` : "#/";
  }, 120);
});
form.addEventListener("submit", (event) => event.preventDefault());
addEventListener("hashchange", show);
addEventListener("unhandledrejection", ({ reason }) => {
  error.textContent = String(reason);
  error.hidden = false;
});
show();
