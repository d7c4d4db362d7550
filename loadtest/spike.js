// Customers in a spike: from one times to `FACTOR` times of what the store can answer, in one step; or at half of it, with
// a robot beside them in every other ten seconds.
import http from "k6/http";

const { BASE, CAPACITY, FACTOR, CALM, SPIKE, ROBOT, TURNS } = __ENV;
// Public ones: what is no product is answered 404, which is neither good nor refused.
const products = __ENV.PRODUCTS.split(",");
// Of what memory does not have, in parts of a hundred; the least important come most.
const MIX = [["product", 15], ["list", 35], ["search", 20], ["extra", 30]];

const robots = {};
for (let turn = 1; turn < Number(TURNS); turn += 2) {
  robots[`robot_${turn}`] = {
    executor: "constant-arrival-rate", exec: "robot", preAllocatedVUs: 20, maxVUs: 200,
    rate: 5 * CAPACITY, timeUnit: "1s", startTime: `${10 * turn}s`, duration: "10s",
  };
}

export const options = {
  discardResponseBodies: true,
  scenarios: ROBOT ? {
    customers: {
      executor: "constant-arrival-rate", exec: "miss", preAllocatedVUs: 50, maxVUs: 400,
      rate: Math.ceil(CAPACITY / 2), timeUnit: "1s", duration: `${10 * TURNS}s`,
    },
    ...robots,
  } : {
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

function get(path, kind, address) {
  const headers = { "X-Forwarded-For": address };
  http.get(`${BASE}${path}`, { headers, tags: { kind, name: kind }, timeout: "5s" });
}

const any = () => Math.floor(Math.random() * 1e9);

export function robot() {
  get(`/products/${any()}`, "robot", "192.0.2.66");
}

export function hit() {
  get("/products/1", "hit", "192.0.2.1");
}

export function miss() {
  const number = any();
  const id = products[number % products.length];
  let draw = Math.random() * 100;
  const [kind] = MIX.find(([, share]) => (draw -= share) < 0);
  get({
    product: `/products/${id}/availability`,
    list: `/products?limit=5&currency=USD&price_min=${number % 100000}`,
    search: `/search?q=a&limit=3&currency=USD&price_min=${number % 100000}`,
    extra: `/products/${id}/reviews?limit=${1 + (number % 90)}`,
  }[kind], kind, `10.0.${number % 256}.${(number >> 8) % 256}`);
}
