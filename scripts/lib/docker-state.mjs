// Prints the state of the Docker whose socket is the argument: "answers", "denied" (this user may not open the socket) or
// "absent". Prints "elsewhere" if Docker's own variables or its current context name another Docker. Sends no request.
import { readFileSync } from "node:fs";
import { createConnection } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";

const { DOCKER_HOST, DOCKER_CONTEXT, DOCKER_CONFIG, DOCKER_TLS, DOCKER_TLS_VERIFY } = process.env;

function currentContext() {
  try {
    const folder = DOCKER_CONFIG || join(homedir(), ".docker");
    return JSON.parse(readFileSync(join(folder, "config.json"), "utf8")).currentContext;
  } catch {
    return undefined;
  }
}

const context = DOCKER_CONTEXT || currentContext() || "default";
if (DOCKER_HOST || DOCKER_TLS || DOCKER_TLS_VERIFY || context !== "default") {
  console.log("elsewhere");
} else {
  const socket = createConnection(process.argv[2]);
  socket.once("connect", () => {
    console.log("answers");
    socket.destroy();
  });
  socket.once("error", ({ code }) => console.log(code === "EACCES" ? "denied" : "absent"));
}
