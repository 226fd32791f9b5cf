// node load.mjs TARGET RATE PORT
// A constant load during a deploy, rollback or restore: RATE requests per second to TARGET, four of five on keep-alive
// connections, and every two seconds one that takes 2 s. Requests are sent on schedule, whether earlier ones are answered or
// not. On PORT: GET /phase/NAME starts a phase of the count, /stop ends it, /report returns all counts.
import http from "node:http";

const [TARGET, ...numbers] = process.argv.slice(2);
const [RATE, PORT] = numbers.map(Number);
const kept = new http.Agent({ keepAlive: true, maxSockets: 64 });
const fresh = new http.Agent({ keepAlive: false });
const TIMEOUT = 30_000; // milliseconds
const HOUR = 3_600_000; // milliseconds

const phases = new Map();
let phase;

/** The path and agent for the nth request. */
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
    // A server may close an idle connection just as a request arrives; clients then retry (RFC 9112, 9.3.1).
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
    // Requests in progress still count for the phase.
    if (verb === "stop") phase = undefined;
    response.end(JSON.stringify(report()));
  })
  .listen(PORT, function listening() {
    console.log(this.address().port);
  });

// A forgotten process ends by itself.
setTimeout(() => process.exit(), HOUR).unref();
