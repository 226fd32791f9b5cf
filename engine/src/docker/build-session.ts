import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import type Docker from "dockerode";
import protobuf from "protobufjs";
import { registryOf, userLogin } from "../client/logins.ts";

const { Root } = protobuf;

/** The messages of BuildKit's protocols for secrets, logins and SSH agents, and of gRPC's for health. */
const root = Root.fromJSON({
  nested: {
    SecretRequest: { fields: { id: { type: "string", id: 1 } } },
    Secret: { fields: { data: { type: "bytes", id: 1 } } },
    LoginRequest: { fields: { Host: { type: "string", id: 1 } } },
    Login: { fields: { Username: { type: "string", id: 1 }, Secret: { type: "string", id: 2 } } },
    HealthRequest: { fields: { service: { type: "string", id: 1 } } },
    AgentRequest: { fields: { ID: { type: "string", id: 1 } } },
    Empty: { fields: {} },
    Bytes: { fields: { data: { type: "bytes", id: 1 } } },
    Health: { fields: { status: { type: "int32", id: 1 } } },
  },
});

const SECRET = "/moby.buildkit.secrets.v1.Secrets/GetSecret";
const LOGIN = "/moby.filesync.v1.Auth/Credentials";
const CHECK_AGENT = "/moby.sshforward.v1.SSH/CheckAgent";
const FORWARD_AGENT = "/moby.sshforward.v1.SSH/ForwardAgent";
const HEALTH = "/grpc.health.v1.Health/Check";
const NOT_FOUND = 5;
const SERVING = 1;

interface Call<T> {
  request: T;
}

type Answer<T> = (error: { code: number; details: string } | null, value?: T) => void;

/** The definition of a method with one request and one response, or streams of them. */
function method(path: string, requestType: string, responseType: string, stream = false): object {
  const [request, response] = [root.lookupType(requestType), root.lookupType(responseType)];
  return {
    path,
    requestStream: stream,
    responseStream: stream,
    requestDeserialize: (bytes: Buffer) => request.decode(bytes),
    requestSerialize: (value: object) => Buffer.from(request.encode(value).finish()),
    responseDeserialize: (bytes: Buffer) => response.decode(bytes),
    responseSerialize: (value: object) => Buffer.from(response.encode(value).finish()),
  };
}

/**
 * Opens a connection over which a running build requests secrets by name, the user's logins by registry, and the SSH agent at
 * `agent`, whatever name the build has for it.
 */
export async function openBuildSession(
  docker: Docker,
  secrets: ReadonlyMap<string, Buffer>,
  agent?: string,
): Promise<{ id: string; close(): void }> {
  // A dependency of the Docker client, whose own build session does not support secrets.
  const grpc = createRequire(createRequire(import.meta.url).resolve("dockerode"))("@grpc/grpc-js");
  const id = randomUUID();
  const socket = await dial(docker, id, agent === undefined ? [] : [CHECK_AGENT, FORWARD_AGENT]);
  const server = new grpc.Server();
  server.addService(
    {
      GetSecret: method(SECRET, "SecretRequest", "Secret"),
      Credentials: method(LOGIN, "LoginRequest", "Login"),
    },
    {
      GetSecret({ request }: Call<{ id: string }>, answer: Answer<{ data: Buffer }>) {
        const value = secrets.get(request.id);
        if (value === undefined) answer({ code: NOT_FOUND, details: `secret ${request.id} was not given` });
        else answer(null, { data: value });
      },
      Credentials(
        { request }: Call<{ Host: string }>,
        answer: Answer<{ Username?: string; Secret?: string }>,
      ) {
        void userLogin(registryOf(request.Host)).then(({ login }) =>
          answer(null, {
            Username: login?.username ?? "",
            Secret: login?.identitytoken ?? login?.password ?? "",
          }),
        );
      },
    },
  );
  if (agent !== undefined)
    server.addService(
      {
        CheckAgent: method(CHECK_AGENT, "AgentRequest", "Empty"),
        ForwardAgent: method(FORWARD_AGENT, "Bytes", "Bytes", true),
      },
      {
        CheckAgent: (_: unknown, answer: Answer<object>) => answer(null, {}),
        ForwardAgent: (call: Duplex) => forward(call, agent),
      },
    );
  // BuildKit asks every second, and closes a session that does not answer.
  server.addService(
    { Check: method(HEALTH, "HealthRequest", "Health") },
    { Check: (_: unknown, answer: Answer<{ status: number }>) => answer(null, { status: SERVING }) },
  );
  server.createConnectionInjector(grpc.ServerCredentials.createInsecure()).injectConnection(socket);
  return {
    id,
    close() {
      server.forceShutdown();
      socket.end();
    },
  };
}

/** Connects a stream of messages with a socket; each side learns when the other has ended. */
function forward(call: Duplex, path: string): void {
  const socket = connect({ path, allowHalfOpen: true });
  call.on("data", ({ data }: { data: Buffer }) => socket.write(data)).on("end", () => socket.end());
  socket.on("data", (data) => call.write({ data })).on("end", () => call.end());
  call.on("error", () => socket.destroy()).on("cancelled", () => socket.destroy());
  socket.on("error", () => call.end());
}

function dial(docker: Docker, id: string, further: string[]): Promise<Duplex> {
  const options = {
    method: "POST",
    path: "/session",
    hijack: true,
    headers: {
      Upgrade: "h2c",
      "X-Docker-Expose-Session-Uuid": id,
      "X-Docker-Expose-Session-Name": "stackline",
      "X-Docker-Expose-Session-Grpc-Method": [SECRET, LOGIN, ...further],
    },
    statusCodes: { 200: true, 500: "server error" },
  };
  return new Promise((resolve, reject) =>
    docker.modem.dial(options as never, (error: unknown, socket: unknown) =>
      error ? reject(error) : resolve(socket as Duplex),
    ),
  );
}
