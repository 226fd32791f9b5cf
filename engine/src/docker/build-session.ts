import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import type { Duplex } from "node:stream";
import type Docker from "dockerode";
import protobuf from "protobufjs";

const { Root } = protobuf;

/** The messages of BuildKit's protocol for secrets, and of gRPC's for health. */
const root = Root.fromJSON({
  nested: {
    Request: { fields: { id: { type: "string", id: 1 } } },
    Response: { fields: { data: { type: "bytes", id: 1 } } },
    HealthRequest: { fields: { service: { type: "string", id: 1 } } },
    HealthResponse: { fields: { status: { type: "int32", id: 1 } } },
  },
});
const Request = root.lookupType("Request");
const Response = root.lookupType("Response");

const SERVICE = "/moby.buildkit.secrets.v1.Secrets";
const NOT_FOUND = 5;

interface Call {
  request: { id: string };
}

type Answer = (error: { code: number; details: string } | null, value?: object) => void;

const definition = { GetSecret: method(`${SERVICE}/GetSecret`, Request, Response) };
const health = {
  Check: method(
    "/grpc.health.v1.Health/Check",
    root.lookupType("HealthRequest"),
    root.lookupType("HealthResponse"),
  ),
};
const SERVING = 1;

function method(path: string, request: protobuf.Type, response: protobuf.Type) {
  return {
    path,
    requestStream: false,
    responseStream: false,
    requestDeserialize: (bytes: Buffer) => request.decode(bytes),
    requestSerialize: (value: object) => Buffer.from(request.encode(value).finish()),
    responseDeserialize: (bytes: Buffer) => response.decode(bytes),
    responseSerialize: (value: object) => Buffer.from(response.encode(value).finish()),
  };
}

/** Opens a connection over which a running build requests secrets by name. */
export async function openBuildSession(
  docker: Docker,
  secrets: ReadonlyMap<string, string>,
): Promise<{ id: string; close(): void }> {
  // A dependency of the Docker client, whose own build session does not support secrets.
  const grpc = createRequire(createRequire(import.meta.url).resolve("dockerode"))("@grpc/grpc-js");
  const id = randomUUID();
  const socket = await dial(docker, id);
  const server = new grpc.Server();
  server.addService(definition, {
    GetSecret({ request }: Call, answer: Answer) {
      const value = secrets.get(request.id);
      if (value === undefined) answer({ code: NOT_FOUND, details: `secret ${request.id} was not given` });
      else answer(null, { data: Buffer.from(value) });
    },
  });
  // BuildKit asks every second, and closes a session that does not answer.
  server.addService(health, { Check: (_: unknown, answer: Answer) => answer(null, { status: SERVING }) });
  server.createConnectionInjector(grpc.ServerCredentials.createInsecure()).injectConnection(socket);
  return {
    id,
    close() {
      server.forceShutdown();
      socket.end();
    },
  };
}

function dial(docker: Docker, id: string): Promise<Duplex> {
  const options = {
    method: "POST",
    path: "/session",
    hijack: true,
    headers: {
      Upgrade: "h2c",
      "X-Docker-Expose-Session-Uuid": id,
      "X-Docker-Expose-Session-Name": "stackline",
      "X-Docker-Expose-Session-Grpc-Method": `${SERVICE}/GetSecret`,
    },
    statusCodes: { 200: true, 500: "server error" },
  };
  return new Promise((resolve, reject) =>
    docker.modem.dial(options as never, (error: unknown, socket: unknown) =>
      error ? reject(error) : resolve(socket as Duplex),
    ),
  );
}
