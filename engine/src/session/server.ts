import { randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import {
  type ExecutionResult,
  execute,
  type GraphQLError,
  type GraphQLFieldResolver,
  type GraphQLSchema,
  parse,
  validate,
} from "graphql";
import type { Call } from "../core/call.ts";
import { ExecError } from "../core/errors.ts";
import { explainFailure } from "../docker/errors.ts";
import type { Caller, SessionContext } from "./context.ts";
import { missingField } from "./fields.ts";
import { select } from "./select.ts";

const resolveField: GraphQLFieldResolver<Call | undefined, Caller> = (parent, args, caller, info) =>
  select(caller, parent, info.fieldName, args);

/** The GraphQL endpoint of a session. It listens on loopback only; each client has a token that identifies it. */
export class SessionServer {
  private readonly tokens = new Map<string, string | undefined>();
  private readonly server: Server = createServer((request, response) => void this.handle(request, response));

  constructor(
    private readonly session: SessionContext,
    /** What a client sees of the API: the user's own, or the process of a function call. */
    private readonly schema: (functionCallId?: string) => GraphQLSchema,
  ) {}

  async listen(): Promise<void> {
    // A client may pause for longer than the default of 5 s between two requests and would then find a closed connection.
    this.server.keepAliveTimeout = 0;
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    this.server.unref();
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Issues a token; with the ID of a function call it identifies that call's process. */
  issueToken(functionCallId?: string): string {
    const token = randomBytes(24).toString("hex");
    this.tokens.set(token, functionCallId);
    return token;
  }

  revokeToken(token: string): void {
    this.tokens.delete(token);
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const token = this.findToken(request.headers.authorization);
    if (token === undefined)
      return send(response, 401, { errors: [{ message: "unauthorized: give the session token" }] });
    if (request.method !== "POST" || request.url !== "/query") {
      return send(response, 404, { errors: [{ message: "not found: POST /query" }] });
    }
    try {
      const functionCallId = this.tokens.get(token);
      const caller = {
        session: this.session,
        schema: this.schema(functionCallId),
        ...(functionCallId && { functionCallId }),
      };
      send(response, 200, await runQuery(caller, JSON.parse(await text(request))));
    } catch (error) {
      send(response, 400, {
        errors: [{ message: `the request cannot be read: ${(error as Error).message}` }],
      });
    }
  }

  private findToken(authorization = ""): string | undefined {
    const [scheme, encoded = ""] = authorization.split(" ");
    const [given = ""] = Buffer.from(encoded, "base64").toString().split(":");
    if (scheme !== "Basic") return undefined;
    return [...this.tokens.keys()].find(
      (token) => token.length === given.length && timingSafeEqual(Buffer.from(token), Buffer.from(given)),
    );
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

interface Request {
  query: string;
  variables?: Record<string, unknown>;
  operationName?: string;
}

async function runQuery(caller: Caller, { query, variables, operationName }: Request): Promise<unknown> {
  const document = parse(query);
  const problems = validate(caller.schema, document);
  if (problems.length > 0)
    return { errors: problems.map((problem) => ({ message: plainMessage(problem.message) })) };
  const result: ExecutionResult = await execute({
    schema: caller.schema,
    document,
    contextValue: caller,
    variableValues: variables ?? null,
    // Go's client sends "" if a query has no name.
    operationName: operationName || null,
    fieldResolver: resolveField as GraphQLFieldResolver<unknown, unknown>,
    typeResolver: (value) => (value as Call).type,
  });
  return { ...result, ...(result.errors && { errors: result.errors.map(toResponseError) }) };
}

function plainMessage(message: string): string {
  const [, field, type] = /^Cannot query field "(\w+)" on type "(\w+)"/.exec(message) ?? [];
  return field && type ? missingField(type, field) : message;
}

function toResponseError(error: GraphQLError): unknown {
  const { originalError, path } = error;
  return {
    message: originalError ? explainFailure(originalError).message : error.message,
    path,
    ...(originalError instanceof ExecError && { extensions: originalError.extensions }),
  };
}
