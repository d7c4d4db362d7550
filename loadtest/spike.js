// Customers in a spike: from one times to `FACTOR` times of what the store can answer, in one step.
import http from "k6/http";

const { BASE, CAPACITY, FACTOR, CALM, SPIKE } = __ENV;
// Public ones: what is no product is answered 404, which is neither good nor refused.
const products = __ENV.PRODUCTS.split(",");
// Of what memory does not have, in parts of a hundred; the least important come most.
const MIX = [["product", 15], ["list", 35], ["search", 20], ["extra", 30]];

export const options = {
  discardResponseBodies: true,
  scenarios: {
    misses: {
      executor: "ramping-arrival-rate", exec: "miss", preAllocatedVUs: 400, maxVUs: 1200,
      startRate: Number(CAPACITY), timeUnit: "1s",
      stages: [
        { target: Number(CAPACITY), duration: `${CALM}s` },
        { target: Math.ceil(CAPACITY * FACTOR), duration: "0s" }, { target: Math.ceil(CAPACITY * FACTOR), duration: `${SPIKE}s` },
        { target: Math.ceil(CAPACITY / 2), duration: "0s" }, { target: Math.ceil(CAPACITY / 2), duration: `${CALM}s` },
      ],
    },
    hits: {
      executor: "constant-arrival-rate", exec: "hit", preAllocatedVUs: 20, maxVUs: 200,
      rate: 100, timeUnit: "1s", duration: `${2 * CALM + Number(SPIKE)}s`,
    },
  },
};

function get(path, kind) {
  http.get(`${BASE}${path}`, { tags: { kind, name: kind }, timeout: "5s" });
}

export function hit() {
  get("/products/1", "hit");
}

export function miss() {
  const number = Math.floor(Math.random() * 1e9);
  const id = products[number % products.length];
  let draw = Math.random() * 100;
  const [kind] = MIX.find(([, share]) => (draw -= share) < 0);
  get({
    product: `/products/${id}/availability`,
    list: `/products?limit=5&currency=USD&price_min=${number % 100000}`,
    search: `/search?q=a&limit=3&currency=USD&price_min=${number % 100000}`,
    extra: `/products/${id}/reviews?limit=${1 + (number % 90)}`,
  }[kind], kind);
}
