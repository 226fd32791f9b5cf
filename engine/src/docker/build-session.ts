import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import type { Duplex } from "node:stream";
import type Docker from "dockerode";
import protobuf from "protobufjs";

const { Root } = protobuf;

/** The two messages of BuildKit's protocol for secrets. */
const root = Root.fromJSON({
  nested: {
    Request: { fields: { id: { type: "string", id: 1 } } },
    Response: { fields: { data: { type: "bytes", id: 1 } } },
  },
});
const Request = root.lookupType("Request");
const Response = root.lookupType("Response");

const SERVICE = "/moby.buildkit.secrets.v1.Secrets";
const NOT_FOUND = 5;

interface Call {
  request: { id: string };
}

type Answer = (error: { code: number; details: string } | null, value?: { data: Buffer }) => void;

const definition = {
  GetSecret: {
    path: `${SERVICE}/GetSecret`,
    requestStream: false,
    responseStream: false,
    requestDeserialize: (bytes: Buffer) => Request.decode(bytes),
    requestSerialize: (value: object) => Buffer.from(Request.encode(value).finish()),
    responseDeserialize: (bytes: Buffer) => Response.decode(bytes),
    responseSerialize: (value: object) => Buffer.from(Response.encode(value).finish()),
  },
};

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
