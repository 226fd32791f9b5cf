import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Login } from "../../src/client/logins.ts";
import { Registry } from "../../src/client/registry.ts";

const content = Buffer.from("a layer");
const digest = `sha256:${createHash("sha256").update(content).digest("hex")}`;
const blob = { digest, size: content.length, open: () => content };

let server: Server;
let host: string;
/** Tokens that the registry takes; each is issued once. */
let tokens: string[];
let blobs: Map<string, string>;
let questions: string[];
let notes: string[];
let denied: boolean;

/** A registry with a token service of its own, as Docker Hub has one. */
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "", `http://${host}`);
  const body = await text(request);
  if (url.pathname === "/token") return issue(request, response, body || url.search.slice(1));
  if (!tokens.includes(request.headers.authorization?.replace("Bearer ", "") ?? "")) {
    const challenge = `Bearer realm="http://${host}/token",service="test",scope="repository:team/app:pull"`;
    response.writeHead(401, { "www-authenticate": challenge }).end('{"errors":[{"code":"UNAUTHORIZED"}]}');
  } else if (denied)
    response
      .writeHead(403)
      .end(request.method === "HEAD" ? "" : '{"errors":[{"code":"DENIED","message":"not yours"}]}');
  else if (request.method === "HEAD") response.writeHead(blobs.has(url.pathname) ? 200 : 404).end();
  else if (request.method === "POST")
    response.writeHead(202, { location: "/v2/team/app/upload?state=1" }).end();
  else if (request.method === "PUT" && url.searchParams.get("state") === "1") {
    blobs.set(`/v2/team/app/blobs/${url.searchParams.get("digest")}`, body);
    response.writeHead(201).end();
  } else response.writeHead(200).end("{}");
}

function issue(request: IncomingMessage, response: ServerResponse, question: string): void {
  questions.push(`${request.method} ${decodeURIComponent(question)}`);
  const { authorization } = request.headers;
  const plain = Buffer.from(authorization?.replace("Basic ", "") ?? "", "base64").toString();
  if (authorization && plain !== "me:right") return void response.writeHead(401).end();
  tokens.push(`token-${questions.length}`);
  response.end(JSON.stringify({ token: tokens.at(-1) }));
}

function registry(login?: Login): Registry {
  const note = (line: string): void => void notes.push(line);
  const { signal } = new AbortController();
  return new Registry({ host, repository: "team/app", login, insecure: true, signal, note });
}

beforeEach(async () => {
  [tokens, blobs, questions, notes, denied] = [[], new Map(), [], [], false];
  server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const me = (password: string): Login => ({ username: "me", password, serveraddress: host });

describe("a registry with a token service", () => {
  it("is given a token for pushing to the repository alone", async () => {
    const opened = registry(me("right"));
    await opened.logIn();
    await opened.uploadBlob(blob);
    expect(blobs.get(`/v2/team/app/blobs/${digest}`)).toBe("a layer");
    expect(questions).toEqual(["GET service=test&scope=repository:team/app:pull,push"]);
  });

  it("gives a token for an identity token", async () => {
    await registry({ identitytoken: "refresh-me", serveraddress: host }).uploadBlob(blob);
    expect(questions).toEqual([
      "POST grant_type=refresh_token&client_id=stackline&service=test&scope=repository:team/app:pull,push&refresh_token=refresh-me",
    ]);
  });

  it("is asked for a new token when the old one has expired", async () => {
    const opened = registry(me("right"));
    await opened.logIn();
    tokens = [];
    await opened.uploadBlob(blob);
    expect(blobs.size).toBe(1);
    expect(notes).toEqual([`${host} rejects its token: next attempt with a new token`]);
  });

  it("rejects a wrong password, which no message contains", async () => {
    await expect(registry(me("wrong")).logIn()).rejects.toThrow(
      `unauthorized: ${host} rejects user me: check the password or token`,
    );
  });
});

it("a refusal has the registry's reason", async () => {
  denied = true;
  await expect(registry(me("right")).uploadBlob(blob)).rejects.toThrow(
    "HTTP 403 Forbidden: denied: not yours",
  );
});

it("a blob that the registry has is not sent again", async () => {
  const opened = registry(me("right"));
  let sent = 0;
  const open = (): Buffer => {
    sent++;
    return content;
  };
  for (let again = 0; again < 2; again++) await opened.uploadBlob({ ...blob, open });
  expect(sent).toBe(1);
});
