// Shows one document a second, and does what an operator confirms. Nothing is drawn anew that has not changed, so that
// neither a focus nor a screen reader loses its place.

const $ = (id) => document.getElementById(id);

function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

function text(node, value) {
  if (node.textContent !== value) node.textContent = value;
}

// Numbers

const digits = (number, most) => number.toLocaleString("en", { maximumFractionDigits: most });

function count(number) {
  if (number == null) return "–";
  for (const [size, unit] of [[1e9, "G"], [1e6, "M"], [1e4, "k"]]) {
    if (Math.abs(number) >= size) return digits(number / (unit === "k" ? 1e3 : size), 1) + unit;
  }
  return digits(number, Math.abs(number) < 10 ? 1 : 0);
}

function duration(millis) {
  if (millis == null) return ["–", "ms"];
  if (millis < 1) return [digits(millis * 1000, 0), "µs"];
  if (millis < 10_000) return [digits(millis, millis < 100 ? 1 : 0), "ms"];
  return [digits(millis / 1000, 1), "s"];
}

const inWords = (millis) => duration(millis).join(" ").replace("– ms", "–");

function bytes(number) {
  for (const [size, unit] of [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]]) {
    if (number >= size) return `${digits(number / size, 1)} ${unit}`;
  }
  return `${number} B`;
}

function span(seconds) {
  if (seconds == null) return "–";
  for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"]]) {
    if (seconds >= size) return `${digits(seconds / size, 1)} ${unit}`;
  }
  return `${digits(seconds, seconds < 10 ? 1 : 0)} s`;
}

const percent = (share, most = 1) => (share == null ? "–" : digits(share * 100, most));
// 99.97 % must not be rounded up to 100.
const floored = (number) => (number == null ? "–" : `${(Math.floor(number * 1000) / 1000).toLocaleString("en", { maximumFractionDigits: 3 })} %`);

// Drawing

function line(id, values) {
  const svg = $(id);
  const most = Math.max(...values, 1e-9);
  svg.classList.toggle("flat", most <= 1e-9);
  const x = (at) => at + (120 - values.length);
  const points = values.map((value, at) => `${x(at)} ${(29 - (value / most) * 27).toFixed(1)}`);
  const path = points.length ? `M${points.join("L")}` : "";
  const area = path && `${path}L119 30L${x(0)} 30Z`;
  if (!svg.firstChild) {
    for (const name of ["area", "stroke"]) {
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("class", name);
      svg.append(path);
    }
  }
  svg.firstChild.setAttribute("d", area);
  svg.lastChild.setAttribute("d", path);
}

// Rows are known by their keys, and cells by what they say.
function rows(body, items, key, make) {
  const known = new Map([...body.children].map((row) => [row.dataset.key, row]));
  let last = null;
  for (const item of items) {
    const name = String(key(item));
    const row = known.get(name) ?? el(body.tagName === "TBODY" ? "tr" : "li", { "data-key": name });
    known.delete(name);
    make(item).forEach((cell, at) => fill(row, at, cell));
    const place = last ? last.nextSibling : body.firstChild;
    if (place !== row) body.insertBefore(row, place);
    last = row;
  }
  for (const row of known.values()) row.remove();
}

// A cell is a text, or { text, class, sign, node }: `node` makes its content, and is asked again when `sign` changes.
function fill(row, at, cell) {
  const it = typeof cell === "object" ? cell : { text: cell };
  const tag = row.tagName === "TR" ? (at === 0 ? "th" : "td") : "span";
  const place = row.children[at] ?? row.appendChild(el(tag, at === 0 && tag === "th" ? { scope: "row" } : {}));
  if (place.className !== (it.class ?? "")) place.className = it.class ?? "";
  if (it.node) {
    if (place.dataset.sign === it.sign) return;
    place.dataset.sign = it.sign;
    place.replaceChildren(it.node());
  } else {
    text(place, it.text);
  }
}

const number = (text, tone = "") => ({ text, class: `number ${tone}`.trim() });

function pairs(list, items) {
  const shown = items.filter(Boolean);
  while (list.children.length > shown.length) list.lastChild.remove();
  shown.forEach(([name, value, tone = "", key = ""], at) => {
    const pair = list.children[at] ?? list.appendChild(el("div", {}, el("dt"), el("dd")));
    text(pair.firstChild, name);
    pair.firstChild.className = key;
    text(pair.lastChild, value);
    pair.lastChild.className = tone;
  });
}

// The parts of the page

let heard = 0;
let newest = null;
let who = null;

function show(it) {
  heard = performance.now();
  newest = it;
  $("main").hidden = false;
  head(it);
  traffic(it);
  promise(it.slo);
  pressure(it.ladder);
  answered(it);
  database(it);
  limits(it);
  tables(it);
  flags(it);
  node(it);
}

function head(it) {
  text($("node"), it.node);
  text($("uptime"), `up ${span(it.uptime_s)} · ${it.version}`);
  const worst = it.trouble[0]?.degree;
  const degree = worst === "notice" ? "well" : worst ?? "well";
  const many = it.trouble.filter((trouble) => trouble.degree !== "notice").length;
  state(degree, many === 0 ? "all is well" : many === 1 ? "1 thing to see to" : `${many} things to see to`);
  rows($("troubles"), it.trouble, (trouble) => `${trouble.part} ${trouble.text.replace(/[\d.]+/g, "")}`, (trouble) => [
    { sign: trouble.part, node: () => el("b", {}, trouble.part) },
    trouble.text,
  ]);
  [...$("troubles").children].forEach((row, at) => (row.className = it.trouble[at].degree));
  document.title = many ? `(${many}) ${it.node} – Doorbuster` : `${it.node} – Doorbuster`;
}

function state(degree, words) {
  if ($("state").dataset.state !== degree) $("state").dataset.state = degree;
  text($("state-text"), words);
}

function traffic({ traffic, tiers, history, cache }) {
  text($("rps"), count(traffic.rps));
  text($("rps-under"), `${count(traffic.client_errors_ps)} client errors · ${count(traffic.limited_ps)} limited · ${count(traffic.cancelled_ps)} left /s`);
  const [value, unit] = duration(traffic.p99_ms);
  text($("p99"), value);
  text($("p99-unit"), unit);
  text($("p99-under"), `50 % ${inWords(traffic.p50_ms)} · 95 % ${inWords(traffic.p95_ms)}`);
  text($("l1"), percent(tiers.l1, 2));
  text($("l1-under"), `${count(cache.products.entries)} products · ${bytes(cache.products.bytes)} of ${bytes(cache.products.allowed)}`);
  text($("failing"), count(traffic.failed_ps + traffic.unavailable_ps));
  text($("failing-under"), `${count(traffic.failed_ps)} faults · ${count(traffic.unavailable_ps)} told 503 /s`);
  ["rps", "p99", "l1", "failing"].forEach((name, at) => line(`line-${name}`, history.map((point) => point[at])));
}

function promise(slo) {
  text($("slo-under"), slo.is_frozen ? "30 days, this node · risky flags are frozen" : "30 days, this node");
  rows($("slo"), slo.objectives, (objective) => objective.name, (objective) => {
    const left = objective.budget.left_ratio;
    const level = left <= 0 ? "gone" : left < 0.25 ? "low" : "fine";
    const burn = (window) => {
      const { rate } = objective.burn.find((burn) => burn.window === window);
      const firing = objective.alerts.find((alert) => alert.is_firing && [alert.long, alert.short].includes(window));
      const tone = firing ? (firing.severity === "page" ? "bad" : "warn") : rate > 1 ? "warn" : "";
      return number(rate == null ? "–" : `${digits(rate, rate < 10 ? 1 : 0)}×`, tone);
    };
    const requests = objective.budget.left_requests;
    const words = `${digits(objective.budget.left_minutes, 1)} of ${digits(objective.budget.minutes, 1)} min · ${count(requests)} requests`;
    return [
      { sign: objective.meaning, node: () => el("span", {}, objective.name, el("small", {}, objective.meaning)) },
      number(floored(objective.good_percent), level === "gone" ? "bad" : ""),
      number(`${objective.slo_percent} %`),
      number(`${objective.sla_percent} %`),
      {
        class: "fill",
        sign: `${words} ${left.toFixed(4)}`,
        node: () => {
          const bar = el("i");
          bar.style.width = `${Math.max(0, Math.min(1, left)) * 100}%`;
          return el("div", {}, el("div", { class: "meter", "data-level": level, "aria-hidden": "true" }, bar), `${percent(left)} % · ${words}`);
        },
      },
      burn("5m"), burn("1h"), burn("6h"), burn("3d"),
    ];
  });
}

function pressure({ given_up, readings }) {
  text($("ladder-under"), given_up.length ? `${given_up.length} given up` : "nothing given up");
  rows($("ladder"), given_up, (key) => key, (key) => [key]);
  if (!readings) return pairs($("readings"), [["Ladder", "is off"]]);
  const at = (value, mild, hot) => (value >= hot ? "bad" : value >= mild ? "warn" : "");
  pairs($("readings"), [
    ["Processors", `${percent(readings.processor, 0)} %`, at(readings.processor, 0.8, 0.95)],
    ["Failing", `${percent(readings.failed_ratio, 2)} %`, at(readings.failed_ratio, 0.001, 0.01)],
    ["Shed", `${percent(readings.shed_ratio, 2)} %`, at(readings.shed_ratio, 0.001, 0.01)],
    ["Shed of products and writes", `${percent(readings.essential_shed_ratio, 2)} %`, at(readings.essential_shed_ratio, 0.001, 0.01)],
    ["Saturation", `${percent(readings.saturation, 0)} %`, at(readings.saturation, 0.7, 0.95)],
    ["Wait for a place", `${readings.queue_wait_ms} ms`, at(readings.queue_wait_ms, 10, 20)],
    ["Event loop late", `${readings.loop_lag_ms} ms`, at(readings.loop_lag_ms, 25, 100)],
    ["Budget burn", `${readings.burn}×`, at(readings.burn, 6, 14.4)],
  ]);
}

function answered({ tiers, cache, redis }) {
  text($("tiers-under"), `${count(tiers.lookups_ps)} lookups/s, ten seconds`);
  for (const [id, share] of [["stack-l1", tiers.l1], ["stack-l2", tiers.l2], ["stack-db", tiers.database]]) {
    $(id).style.width = `${(share ?? 0) * 100}%`;
  }
  pairs($("tiers"), [
    ["Memory", `${percent(tiers.l1, 2)} %`, "", "key one"],
    ["Redis", redis ? `${percent(tiers.l2, 2)} %` : "none", "", "key two"],
    ["Database", `${percent(tiers.database, 2)} %`, "", "key three"],
    ["Waited for another", `${percent(tiers.joined, 2)} %`],
    ["Pages from memory", `${percent(cache.page_hits, 1)} %`],
    ["New versions", `${count(cache.invalidations_ps)} /s`],
    ["Loading now", count(cache.products.loading + cache.pages.loading)],
    ["Loads that fail", `${count(cache.failed_loads_ps)} /s`, cache.failed_loads_ps > 0 ? "bad" : ""],
  ]);
}

function database({ database }) {
  text($("database-under"), database.servers.length ? `${database.servers.length} servers` : "embedded");
  rows($("servers"), database.servers, (server) => server.name + server.role, (server) => [
    { sign: server.name + server.role, node: () => el("span", {}, server.name, el("small", { class: "faint" }, ` ${server.role}`)) },
    { text: server.used ? "in use" : server.role === "primary" ? "no answer" : "not read from", class: server.used ? "good" : "bad" },
    number(server.lag_s == null ? "–" : span(server.lag_s)),
    number(count(server.reads_ps)),
  ]);
  pairs($("database"), [
    ["Catalogue", database.answers ? "answers" : "no answer", database.answers ? "" : "bad"],
    ["Queries for products", `${count(database.queries_ps)} /s`],
    ["Failed", `${count(database.failed_ps)} /s`, database.failed_ps > 0 ? "bad" : ""],
    ["Changes heard of", `${span(database.tail_lag_s)} ago`, database.tail_lag_s > 2 ? "bad" : ""],
  ]);
}

function limits({ limits, redis, overload }) {
  text($("limits-under"), limits.policies.length ? `${count(limits.clients)} of ${count(limits.room)} clients` : "no rate limits");
  rows($("limits"), limits.policies, (policy) => policy.name, (policy) => [
    policy.name,
    number(count(policy.allowed_ps)),
    number(count(policy.limited_ps), policy.limited_ps > 0 ? "warn" : ""),
  ]);
  rows($("dependencies"), overload, (dependency) => dependency.name, (dependency) => [
    dependency.name,
    number(`${count(dependency.in_flight)} of ${count(dependency.limit)}`),
    number(count(dependency.waiting), dependency.waiting > 0 ? "warn" : ""),
    number(count(dependency.shed_ps), dependency.shed_ps > 0 ? "bad" : ""),
    { text: dependency.breaker, class: dependency.breaker === "closed" ? "faint" : "bad" },
  ]);
  pairs($("breakers"), [
    ["Redis", redis ? redis.state : "none", redis && redis.state !== "used" ? "warn" : ""],
    redis && ["Breaker", redis.breaker, redis.breaker !== "closed" ? "bad" : ""],
    redis && ["Unanswered", `${count(redis.unanswered_ps)} /s`, redis.unanswered_ps > 0 ? "warn" : ""],
    redis && ["Behind the outbox", redis.behind ? "yes" : "no"],
    limits.redis != null && ["Counts in Redis", limits.redis ? "yes" : "no, here", limits.redis ? "" : "warn"],
  ]);
}

function tables({ routes, jobs, hottest, audit }) {
  rows($("routes"), routes, (route) => route.route, (route) => [
    route.route,
    number(count(route.rps)),
    number(inWords(route.p50_ms)),
    number(inWords(route.p99_ms)),
    number(count(route.failed), route.failed > 0 ? "bad" : ""),
  ]);
  text($("jobs-under"), jobs.error ? "not heard of: these are old" : jobs.kinds.length ? "" : "none yet");
  rows($("jobs"), jobs.kinds, (kind) => kind.kind, (kind) => [
    kind.kind,
    number(count(kind.ready)),
    number(count(kind.scheduled)),
    number(count(kind.running)),
    number(span(kind.oldest_s), kind.oldest_s > 60 ? "warn" : ""),
    number(count(kind.dead), kind.dead > 0 ? "bad" : ""),
    number(kind.here ? count(kind.here.failed) : "–"),
    { sign: `${kind.dead > 0} ${kind.paused}`, node: () => jobActions(kind) },
  ]);
  const most = hottest[0]?.[1] ?? 1;
  rows($("hottest"), hottest, ([id]) => id, ([id, reads]) => [
    `${id}`,
    {
      class: "track",
      sign: (reads / most).toFixed(3),
      node: () => {
        const bar = el("i");
        bar.style.width = `${(reads / most) * 100}%`;
        return bar;
      },
    },
    `≈ ${count(reads)}`,
  ]);
  rows($("audit"), audit.length ? audit : [{ at: 0 }], (deed) => deed.at, (deed) =>
    deed.at
      ? [new Date(deed.at * 1000).toLocaleTimeString("en-GB"), deed.who, deed.reason ? `${deed.what}: ${deed.reason}` : deed.what]
      : [{ text: "nothing yet", class: "empty" }]);
}

function flags({ flags, ladder }) {
  const ordered = [...flags].sort((one, other) => (one.layer === "default") - (other.layer === "default") || one.key.localeCompare(other.key));
  text($("flags-under"), `${flags.filter((flag) => flag.layer !== "default").length} not as built`);
  rows($("flags"), ordered, (flag) => flag.key, (flag) => {
    const until = flag.expires_at && new Date(flag.expires_at).toLocaleString("en-GB", { dateStyle: "short", timeStyle: "short" });
    const tone = flag.layer === "default" ? "faint" : flag.layer === "pressure" ? "warn" : "";
    return [
      { sign: `${flag.risky}`, node: () => el("span", {}, flag.key, flag.risky ? el("small", { class: "warn" }, " risky") : "") },
      { text: flag.targeting ? `${flag.variant ?? "–"}, by a rule` : (flag.variant ?? "–"), class: tone },
      { text: flag.set_by ?? flag.layer, class: "why" },
      { text: flag.reason ?? (flag.layer === "pressure" ? "too much to do" : ""), class: "why" },
      until ?? "",
      { sign: `${flag.layer} ${flag.variant}`, node: () => flagActions(flag) },
    ];
  });
}

function node({ process, not_ready }) {
  text($("process-under"), not_ready ? "wants no traffic" : "wants traffic");
  pairs($("process"), [
    ["Processor", `${percent(process.cpu, 0)} % of one`],
    ["Memory", bytes(process.memory)],
    ["Open files", count(process.open_files)],
    ["Pages of this kind", count(process.clients)],
  ]);
  const drained = not_ready === "An operator wants it left alone.";
  text($("drain"), drained ? "Take traffic again…" : "Drain…");
}

// What may be done

function jobActions(kind) {
  const acts = el("span", { class: "acts" });
  const button = (words, act) => acts.append(el("button", { type: "button", onclick: act, "aria-label": `${words} ${kind.kind}` }, words));
  if (kind.dead > 0) {
    const dead = { kind: kind.kind, state: "dead" };
    button("Retry", () => act({ title: `Retry dead letters of ${kind.kind}`, text: "All of them are begun anew, with all their attempts.", confirm: "Retry", send: (reason) => post("/admin/jobs/retry", { ...dead, reason }) }));
    button("Discard", () => act({ title: `Discard dead letters of ${kind.kind}`, text: "All of them are removed for good.", confirm: "Discard", send: (reason) => post("/admin/jobs/purge", { ...dead, reason }) }));
  }
  const what = kind.paused ? "resume" : "pause";
  const words = kind.paused ? "Resume" : "Pause";
  button(words, () => act({ title: `${words} ${kind.kind}`, text: kind.paused ? "Jobs are begun again, by all nodes." : "None is begun any more, by any node; what has begun goes on.", confirm: words, send: (reason) => post(`/admin/jobs/${what}`, { kind: kind.kind, reason }) }));
  return acts;
}

function flagActions(flag) {
  const acts = el("span", { class: "acts" });
  const button = (words, act) => acts.append(el("button", { type: "button", onclick: act, "aria-label": `${words} ${flag.key}` }, words));
  const path = `/admin/flags/${encodeURIComponent(flag.key)}`;
  button("Set…", () => {
    const variant = el("select", { id: "act-variant" }, ...flag.variants.map((name) => el("option", { selected: name !== flag.variant && flag.variants.length === 2 }, name)));
    const lasts = el("select", { id: "act-lasts" }, ...[["10m", "10 minutes"], ["1h", "an hour"], ["4h", "4 hours"], ["24h", "a day"], ["", "until it is taken back"]].map(([value, words]) => el("option", { value, selected: value === "1h" }, words)));
    act({
      title: `Set ${flag.key}`,
      text: "For all nodes, within a second. A file on a node says more than this.",
      fields: [el("label", { for: "act-variant" }, "To"), variant, el("label", { for: "act-lasts" }, "For"), lasts],
      confirm: "Set",
      send: (reason) => send("PUT", path, { variant: variant.value, reason, ...(lasts.value && { for: lasts.value }) }),
    });
  });
  if (flag.layer === "database") {
    button("Take back", () => act({ title: `Take back what was said of ${flag.key}`, text: "It is as the ladder or the program has it.", confirm: "Take back", send: (reason) => send("DELETE", `${path}?reason=${encodeURIComponent(reason)}`) }));
  }
  return acts;
}

$("purge").addEventListener("click", () => {
  const what = el("select", { id: "act-what" }, el("option", { value: "keys" }, "products, by their ids"), el("option", { value: "tag" }, "what bears a surrogate key"), el("option", { value: "all" }, "everything"));
  const which = el("input", { id: "act-which", placeholder: "456, 7", autocomplete: "off", required: true });
  const hard = el("input", { id: "act-hard", type: "checkbox" });
  what.addEventListener("change", () => {
    which.disabled = what.value === "all";
    which.placeholder = { keys: "456, 7", tag: "vendor-acme", all: "" }[what.value];
  });
  act({
    title: "Purge the cache",
    text: "Of this node and of Redis. What is dropped is loaded again when it is asked for.",
    fields: [el("label", { for: "act-what" }, "What"), what, el("label", { for: "act-which" }, "Which"), which, el("label", { class: "choice" }, hard, "Serve nothing old meanwhile (hard)")],
    confirm: "Purge",
    send: (reason) => {
      const chosen = { keys: { keys: which.value.split(/[\s,]+/).filter(Boolean).map(Number) }, tag: { tag: which.value.trim() }, all: { all: true } }[what.value];
      return post("/admin/cache/purge", { ...chosen, hard: hard.checked, reason });
    },
  });
});

$("drain").addEventListener("click", () => {
  const drained = newest?.not_ready === "An operator wants it left alone.";
  act({
    title: drained ? "Take traffic again" : "Drain this node",
    text: drained ? "The load balancer sees it as ready again." : "/readyz says no, so that the load balancer sends its traffic elsewhere. What comes all the same is answered.",
    confirm: drained ? "Take traffic" : "Drain",
    send: (reason) => send("PUT", "/admin/drain", { drain: !drained, reason }),
  });
});

async function send(method, path, body) {
  const response = await fetch(path, { method, headers: body ? { "content-type": "application/json" } : {}, body: body && JSON.stringify(body) });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw Object.assign(new Error(answer.detail ?? `It says ${response.status}.`), { status: response.status });
  return answer;
}

const post = (path, body) => send("POST", path, body);

let deed = null;

function act(wanted) {
  if (!who) {
    deed = wanted;
    return open($("login-dialog"), $("token"));
  }
  deed = wanted;
  text($("act-title"), wanted.title);
  text($("act-text"), wanted.text);
  text($("act-confirm"), wanted.confirm);
  text($("act-error"), "");
  $("act-reason").value = "";
  $("act-fields").replaceChildren(...(wanted.fields ?? []));
  open($("act-dialog"), wanted.fields ? $("act-fields").querySelector("input, select") : $("act-reason"));
}

function open(dialog, first) {
  dialog.showModal();
  first.focus();
}

$("act-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  $("act-confirm").disabled = true;
  try {
    await deed.send($("act-reason").value.trim());
    $("act-dialog").close();
    toast(`${deed.title}: done.`);
  } catch (error) {
    if (error.status === 401) await session();
    text($("act-error"), error.message);
  } finally {
    $("act-confirm").disabled = false;
  }
});

for (const button of document.querySelectorAll("[data-close]")) {
  button.addEventListener("click", () => button.closest("dialog").close());
}

function toast(words) {
  text($("toast"), words);
  setTimeout(() => text($("toast"), ""), 4000);
}

// Who looks

async function session() {
  const answer = await send("GET", "/console/session").catch(() => ({ may_watch: true }));
  known(answer);
  return answer.may_watch;
}

function known(answer) {
  who = answer.who ?? null;
  text($("who"), who ? who.replace(/^token \w+ /, "") : "");
  text($("login"), who ? "Log out" : "Log in");
}

$("login").addEventListener("click", async () => {
  deed = null;
  if (!who) return open($("login-dialog"), $("token"));
  known(await send("DELETE", "/console/session"));
  location.reload();
});

$("login-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    known(await post("/console/session", { token: $("token").value }));
    $("token").value = "";
    text($("login-error"), "");
    $("login-dialog").close();
    if (!source) listen();
    if (deed) act(deed);
  } catch (error) {
    text($("login-error"), error.message);
  }
});

// Colours: as the system has them, or as was chosen

const themes = ["system", "light", "dark"];

function theme(name) {
  if (name === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  const words = name === "system" ? "Colours: as the system has them" : `Colours: ${name}`;
  $("theme").setAttribute("aria-label", words);
  $("theme").title = words;
}

$("theme").addEventListener("click", () => {
  const next = themes[(themes.indexOf(localStorage.getItem("theme") ?? "system") + 1) % themes.length];
  localStorage.setItem("theme", next);
  theme(next);
});
theme(localStorage.getItem("theme") ?? "system");

// Listening

let source = null;

function listen() {
  source = new EventSource("/console/events");
  source.onmessage = (event) => show(JSON.parse(event.data));
}

setInterval(() => {
  const silent = (performance.now() - heard) / 1000;
  if (newest && silent > 1.8) state("lost", `no word for ${Math.floor(silent)} s`);
  // The browser gives up where it was refused once.
  if (source?.readyState === EventSource.CLOSED) {
    source = null;
    setTimeout(start, 1000);
  }
}, 300);

async function start() {
  if (source) return;
  if (await session()) listen();
  else {
    state("waiting", "log in to look");
    if (!$("login-dialog").open) open($("login-dialog"), $("token"));
  }
}

start();
