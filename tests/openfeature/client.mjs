// Asks a server for the flags that `scripts/openfeature` has set, by the official provider for servers in JavaScript.

import assert from "node:assert/strict";
import { OpenFeature } from "@openfeature/server-sdk";
import { OFREPProvider } from "@openfeature/ofrep-provider";

const baseUrl = process.argv[2];
await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl }));
const client = OpenFeature.getClient();
const staff = { targetingKey: "user-1", email: "a@shop.example", groups: ["x", { y: [1] }], since: new Date(0) };

assert.equal(await client.getBooleanValue("search", false), true);
assert.equal(await client.getBooleanValue("reviews", true), false);
const banner = await client.getStringDetails("banner", "none", staff);
assert.equal(banner.value, "#f00");
assert.equal(banner.variant, "red");
assert.equal(banner.reason, "TARGETING_MATCH");
assert.deepEqual(banner.flagMetadata, { team: "home" });
assert.equal((await client.getStringDetails("banner", "none")).reason, "DEFAULT");
assert.equal(await client.getNumberValue("page_size", 0), 24);
assert.equal(await client.getNumberValue("discount", 0), 0.5);
assert.deepEqual(await client.getObjectValue("layout", {}), { columns: 3 });

// What is not there, of another type, or out of use, is the caller's own default.
const missing = await client.getBooleanDetails("nothing", true);
assert.equal(missing.value, true);
assert.equal(missing.errorCode, "FLAG_NOT_FOUND");
assert.equal((await client.getStringDetails("search", "x")).errorCode, "TYPE_MISMATCH");
assert.equal(await client.getStringValue("old", "mine"), "mine");

// A share of users is the same users each time.
const shares = async () => {
  const variants = [];
  for (let user = 0; user < 200; user++) {
    variants.push(await client.getStringValue("share", "none", { targetingKey: `user-${user}` }));
  }
  return variants;
};
const first = await shares();
assert.deepEqual(await shares(), first);
const half = first.filter((variant) => variant === "a").length;
assert.ok(half > 60 && half < 140, `${half} of 200`);
console.log("@openfeature/ofrep-provider: as it should be");
