// Plays customers, and a robot, as the file in PLAN says; loadtest/run writes it.
import http from 'k6/http';
import exec from 'k6/execution';
import { sleep } from 'k6';
import { Rate, Trend } from 'k6/metrics';
import { SharedArray } from 'k6/data';

const plan = JSON.parse(open(__ENV.PLAN));
// Of each: kind, path, Accept-Encoding, whether it revalidates what the client has.
const requests = new SharedArray('requests', () => JSON.parse(open(plan.requests)));

export const options = plan.options;

// What customers see, apart from robots.
const took = new Trend('customer_duration', true);
const failed = new Rate('customer_failed');

http.setResponseCallback(http.expectedStatuses(200, 304));
const toRobots = http.expectedStatuses(200, 304, 404, 410, 429);
// Entity tags of what this client has, as a browser keeps them.
const known = {};

// A client's address, as a balancer in front would write it. Customers come from many, a robot from one.
function address(number) {
  return `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
}

export function customer() {
  const turn = exec.scenario.iterationInTest;
  const [kind, path, coding, revalidates] = requests[turn % requests.length];
  const headers = { 'X-Forwarded-For': address((turn * 7919) % 65536) };
  if (coding) headers['Accept-Encoding'] = coding;
  const tag = path + '\n' + coding;
  if (revalidates && known[tag]) headers['If-None-Match'] = known[tag];
  const answer = http.get(plan.url + path, { headers, timeout: '5s', tags: { kind, who: 'customer', name: kind } });
  const good = answer.status === 200 || answer.status === 304;
  took.add(answer.timings.duration);
  failed.add(!good);
  if (answer.status === 200 && answer.headers['Etag']) known[tag] = answer.headers['Etag'];
  if (plan.think) sleep(plan.think[0] + Math.random() * (plan.think[1] - plan.think[0]));
}

export function robot() {
  const turn = exec.scenario.iterationInTest;
  const path = turn % 10 === 0 ? `/search?q=${turn.toString(36)}` : `/products/${turn + 1}`;
  const headers = { 'X-Forwarded-For': '192.0.2.66' };
  http.get(plan.url + path, {
    headers, timeout: '5s', responseCallback: toRobots, tags: { kind: 'robot', who: 'robot', name: 'robot' },
  });
}

export function handleSummary(data) {
  return { [plan.summary]: JSON.stringify(data) };
}
