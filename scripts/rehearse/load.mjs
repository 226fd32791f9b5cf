// node load.mjs TARGET RATE PORT
// A constant load on the stack while it is deployed, rolled back, restored: RATE requests a second to TARGET, four of five on
// connections that are kept, every two seconds one that takes 2 s. A request is sent when its time has come, whether the
// ones before were answered or not. GET /phase/NAME on PORT begins a phase of the count,
// /stop ends it, /report tells of all.
import http from "node:http";

const [TARGET, ...numbers] = process.argv.slice(2);
const [RATE, PORT] = numbers.map(Number);
const kept = new http.Agent({ keepAlive: true, maxSockets: 64 });
const fresh = new http.Agent({ keepAlive: false });
const TIMEOUT = 30_000; // milliseconds
const HOUR = 3_600_000; // milliseconds

const phases = new Map();
let phase;

/** Page and connection of the request with this number. */
function choose(number) {
  const agent = number % 5 === 0 ? fresh : kept;
  if (number % (2 * RATE) === RATE) return { path: "/rehearsal/slow", agent };
  return { path: number % 10 === 3 ? "/" : "/rehearsal/database", agent };
}

function send({ path, agent }, count, again = false) {
  const started = performance.now();
  const request = http.get({ host: TARGET, path, agent, headers: { Host: "localhost" }, timeout: TIMEOUT });
  request.on("response", (response) => {
    response.resume();
    response.on("close", () => {
      const { statusCode: status, headers } = response;
      if (status === 503 && headers["retry-after"]) count.maintenance++;
      else if (status >= 500 || !response.complete)
        fail(count, response.complete ? `status ${status}` : "cut off");
      else count.milliseconds.push(performance.now() - started);
    });
  });
  request.on("timeout", () => request.destroy(new Error(`no answer in ${TIMEOUT / 1000} s`)));
  request.on("error", (problem) => {
    // A server may close a connection that is idle just when a request is on its way: clients send it again (RFC 9112, 9.3.1).
    if (request.reusedSocket && problem.code === "ECONNRESET" && !again) {
      count.sentAgain++;
      send({ path, agent: fresh }, count, true);
    } else fail(count, problem.code ?? problem.message);
  });
}

function fail(count, reason) {
  count.failed++;
  count.reasons[reason] = (count.reasons[reason] ?? 0) + 1;
}

function begin(name) {
  phase = { sent: 0, failed: 0, maintenance: 0, sentAgain: 0, reasons: {}, milliseconds: [] };
  phases.set(name, phase);
}

function report() {
  const percentile = (sorted, share) => Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0);
  return [...phases].map(([name, { milliseconds, ...count }]) => {
    const sorted = milliseconds.toSorted((a, b) => a - b);
    return { name, ...count, median: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) };
  });
}

let number = 0;
const start = performance.now();
let due = 0;
setInterval(() => {
  const until = ((performance.now() - start) / 1000) * RATE;
  for (; due < until; due++) {
    if (!phase) continue;
    phase.sent++;
    send(choose(++number), phase);
  }
}, 5);

http
  .createServer((request, response) => {
    const [, verb, name] = request.url.split("/");
    if (verb === "phase") begin(decodeURIComponent(name));
    // What is still under way belongs to the phase, too.
    if (verb === "stop") phase = undefined;
    response.end(JSON.stringify(report()));
  })
  .listen(PORT, function listening() {
    console.log(this.address().port);
  });

// Whoever forgets it: it does not go on for ever.
setTimeout(() => process.exit(), HOUR).unref();
