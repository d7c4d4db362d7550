// Asking the API, and showing in the footer who answered and how fast.

const JSON_ONLY = { headers: { accept: "application/json" } };

/** The answer to a GET as JSON. A problem document (RFC 9457) becomes an error with its detail. */
export async function get(path, parameters = {}, signal = undefined) {
  const query = new URLSearchParams(Object.entries(parameters).flatMap(([name, value]) =>
    [value].flat().filter((one) => one !== undefined && one !== "").map((one) => [name, one])));
  const url = query.size ? `${path}?${query}` : path;
  const began = performance.now();
  const response = await fetch(url, { ...JSON_ONLY, signal });
  const body = await response.json();
  const time = (performance.now() - began).toFixed(1);
  const status = response.headers.get("cache-status") ?? "not cached";
  document.getElementById("answer").textContent = `GET ${decodeURIComponent(url)} · ${status} · ${time} ms`;
  if (!response.ok) throw Object.assign(new Error(body.detail ?? response.statusText), { status: response.status });
  return body;
}
