// node load.mjs TARGET RATE PORT
// The load during a deploy, rollback or restore: RATE pages per second from TARGET, four of five on kept connections, and every two
// seconds a page that takes 2 s and an upload of 200 KB that takes 3 s. Requests are sent on schedule, whether earlier ones are
// answered or not, up to those of four seconds: more would only queue. On PORT:
//   /measure     how many pages per second TARGET serves to eight clients that ask one after another
//   /rate/RATE   changes the rate
//   /phase/NAME  starts a phase of the count; /stop ends it
//   /report      the counts of each phase; /kinds those of each kind of request
import http from "node:http";
import { Phase, reportKinds, reportPhases } from "./counts.mjs";
import { ask, page, slowPage, upload } from "./requests.mjs";

const [TARGET, ...numbers] = process.argv.slice(2);
const [RATE, PORT] = numbers.map(Number);
const TICK = 5; // milliseconds
const SLOW_EVERY = 2000; // milliseconds
const UNANSWERED = 4; // seconds of the rate
const MEASURED = { clients: 8, warmUp: 1500, milliseconds: 4000 };
const HOUR = 3_600_000; // milliseconds

const phases = new Map();
let phase;
let rate = RATE;

/** Requests without an answer yet. */
const open = { page: 0, slow: 0, upload: 0 };

/** Sends a request, whose outcome counts for the phase in which it was sent. */
function send(wanted, count) {
  const started = performance.now();
  open[wanted.kind]++;
  count.sent(wanted.kind);
  ask(TARGET, wanted, (outcome) => {
    open[wanted.kind]--;
    count.count(wanted.kind, outcome, performance.now() - started);
  });
}

let pages = 0;
let owed = 0;
let last = performance.now();
setInterval(() => {
  const now = performance.now();
  const passed = now - last;
  last = now;
  owed += (passed / 1000) * rate;
  for (; owed >= 1; owed--) {
    if (!phase) continue;
    phase.lateness.push(passed - TICK);
    if (open.page < Math.max(20, UNANSWERED * rate)) send(page(++pages), phase);
    else phase.withheld++;
  }
}, TICK);

let uploads = 0;
setInterval(() => {
  if (!phase || rate === 0) return;
  // nginx accepts four uploads of one client at a time.
  if (open.slow < 3) send(slowPage(), phase);
  if (open.upload < 3) send(upload(++uploads), phase);
}, SLOW_EVERY);

/** Pages per second. Each client asks again as soon as it has an answer. */
async function measure() {
  const started = performance.now();
  const elapsed = () => performance.now() - started;
  const end = MEASURED.warmUp + MEASURED.milliseconds;
  let served = 0;
  const client = async () => {
    while (elapsed() < end) {
      const outcome = await new Promise((done) => ask(TARGET, page(++pages), done));
      if (outcome === "ok" && elapsed() > MEASURED.warmUp && elapsed() < end) served++;
      // A refused connection fails at once.
      if (outcome !== "ok") await new Promise((wake) => setTimeout(wake, 50));
    }
  };
  await Promise.all(Array.from({ length: MEASURED.clients }, client));
  return (served * 1000) / MEASURED.milliseconds;
}

const report = () => reportPhases([...phases.values()]);

const verbs = {
  measure,
  rate: (value) => {
    rate = Number(value);
  },
  phase: (name) => {
    phase = new Phase(name);
    phases.set(name, phase);
  },
  // Requests in progress still count for the phase.
  stop: () => {
    phase = undefined;
  },
  report,
  kinds: () => reportKinds([...phases.values()]),
};

http
  .createServer(async (request, response) => {
    const [, verb, argument = ""] = request.url.split("/");
    const answer = await verbs[verb]?.(decodeURIComponent(argument));
    response.end(JSON.stringify(answer ?? report()));
  })
  .listen(PORT, function listening() {
    console.log(this.address().port);
  });

// A forgotten process ends by itself.
setTimeout(() => process.exit(), HOUR).unref();
