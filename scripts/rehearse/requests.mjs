// The requests of the load.
import http from "node:http";

const TIMEOUT = 30_000; // milliseconds
const UPLOAD = { bytes: 200_000, parts: 20, milliseconds: 3000 };
const kept = new http.Agent({ keepAlive: true, maxSockets: 64 });
const fresh = new http.Agent({ keepAlive: false });
// Of its own, so that an upload's connection carries nothing but uploads.
const keptUploads = new http.Agent({ keepAlive: true, maxSockets: 4 });

/** The nth page. */
export function page(number) {
  return {
    kind: "page",
    path: number % 10 === 3 ? "/" : "/rehearsal/database",
    agent: number % 5 === 0 ? fresh : kept,
  };
}

export const slowPage = () => ({ kind: "slow", path: "/rehearsal/slow", agent: kept });

/** The nth upload. */
export const upload = (number) => ({
  kind: "upload",
  path: "/rehearsal/upload",
  agent: number % 2 === 0 ? fresh : keptUploads,
});

/** Sends a request to HOST or HOST:PORT and calls back with "ok", "maintenance" or what went wrong. */
export function ask(target, wanted, done, again = false) {
  const { path, agent, kind } = wanted;
  const [host, port = "80"] = target.split(":");
  const headers = { Host: "localhost", ...(kind === "upload" && { "Content-Length": UPLOAD.bytes }) };
  const method = kind === "upload" ? "POST" : "GET";
  const request = http.request({ host, port, path, agent, method, headers, timeout: TIMEOUT });
  let over = false;
  const end = (outcome) => {
    if (!over) done(outcome);
    over = true;
  };
  request.on("response", (response) => read(response, wanted, end));
  request.on("timeout", () => request.destroy(new Error(`no answer in ${TIMEOUT / 1000} s`)));
  request.on("error", (problem) => {
    // A server may close an idle connection just as a request arrives; clients then retry (RFC 9112, 9.3.1).
    if (!over && request.reusedSocket && problem.code === "ECONNRESET" && !again) {
      over = true;
      ask(target, { ...wanted, agent: fresh }, done, true);
    } else end(problem.code ?? problem.message);
  });
  if (kind === "upload") writeSlowly(request, UPLOAD.parts);
  else request.end();
}

function read(response, { kind, path }, end) {
  let text = "";
  response.setEncoding("latin1");
  response.on("data", (chunk) => {
    if (kind === "upload") text += chunk;
  });
  response.on("close", () => {
    const { statusCode: status, headers } = response;
    // The application's own page may be missing or elsewhere; those of the rehearsal are there.
    const isExpected = path === "/" ? status < 500 && status !== 429 : status === 200;
    if (status === 503 && headers["retry-after"]) end("maintenance");
    else if (!isExpected) end(`status ${status}`);
    else if (!response.complete) end("cut off");
    else if (kind === "upload" && text !== String(UPLOAD.bytes)) end(`${text} bytes of an upload arrived`);
    else end("ok");
  });
}

function writeSlowly(request, parts) {
  if (request.destroyed) return;
  request.write(Buffer.alloc(UPLOAD.bytes / UPLOAD.parts, "x"));
  if (parts === 1) request.end();
  else setTimeout(writeSlowly, UPLOAD.milliseconds / (UPLOAD.parts - 1), request, parts - 1);
}
