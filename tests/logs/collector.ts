import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { $ } from "zx";
import { images } from "../../ci/src/versions.ts";
import { root } from "../stack/tools.ts";
import { known } from "./redaction.ts";

const compose = parse(readFileSync(join(root, "docker-compose.prod.yml"), "utf8"), { merge: true });

interface Value {
  stringValue?: string;
}
interface LogRecord {
  body: Value;
  attributes?: { key: string; value: Value }[];
}

/** The production collector with its own configuration, on files that a test writes, sending to this process. */
export class Collector {
  private readonly folder = mkdtempSync(join(tmpdir(), "stackline-collector-"));
  private readonly records: LogRecord[] = [];
  private server!: Server;
  private container = "";

  /** Starts it on lines as Docker would have written them. */
  async start(lines: readonly string[]): Promise<void> {
    await $({ quiet: true, cwd: root })`scripts/images ${images.collector}`;
    this.write(lines);
    await this.listen();
    const { port } = this.server.address() as AddressInfo;
    const env = { LOGS_PROJECT: "", LOGS_ENVIRONMENT: "test", LOGS_QUEUE_BYTES: "100000000" };
    const words = [
      ...Object.entries(env).flatMap(([name, value]) => ["--env", `${name}=${value}`]),
      ...["--env", `LOGS_ENDPOINT=http://127.0.0.1:${port}/otlp`],
      ...[
        "--volume",
        `${join(root, "logs")}:/etc/otelcol:ro`,
        "--volume",
        `${this.folder}/test.yaml:/test.yaml:ro`,
      ],
      ...[
        "--volume",
        `${this.folder}/secrets:/run/secrets:ro`,
        "--volume",
        `${this.folder}/containers:/containers:ro`,
      ],
      ...["--tmpfs", "/var/lib/otelcol", "--network", "host", "--user", "0:0"],
    ];
    const command = [...compose.services.collector.command, "--config=/test.yaml"];
    this.container = (
      await $({ quiet: true, cwd: root })`docker run --detach ${words} ${images.collector} ${command}`
    ).stdout.trim();
  }

  /** The records' texts and fields, in the order of their lines, once there are so many. */
  async shipped(count: number, seconds = 60): Promise<{ text: string; fields: Record<string, string> }[]> {
    const deadline = Date.now() + seconds * 1000;
    while (this.records.length < count && Date.now() < deadline)
      await new Promise((next) => setTimeout(next, 50));
    if (this.records.length < count)
      throw new Error(`${this.records.length} records of ${count}: ${await this.said()}`);
    return this.records
      .map(({ body, attributes = [] }) => ({
        text: body.stringValue ?? "",
        fields: Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? ""])),
      }))
      .toSorted((a, b) => offset(a.fields) - offset(b.fields));
  }

  async stop(): Promise<void> {
    if (this.container)
      await $({ quiet: true, nothrow: true })`docker rm --force --volumes ${this.container}`;
    this.server?.close();
    this.server?.closeAllConnections();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async said(): Promise<string> {
    return (await $({ quiet: true, nothrow: true })`docker logs --tail 5 ${this.container}`).stderr;
  }

  private write(lines: readonly string[]): void {
    const id = "0123456789ab".padEnd(64, "0");
    for (const name of ["secrets", `containers/${id}`])
      mkdirSync(join(this.folder, name), { recursive: true });
    for (const [name, value] of Object.entries({ ...known, LOGS_AUTHORIZATION: "" }))
      writeFileSync(join(this.folder, "secrets", name), value);
    const now = new Date().toISOString();
    const entry = (line: string) => `${JSON.stringify({ log: `${line}\n`, stream: "stdout", time: now })}\n`;
    writeFileSync(join(this.folder, "containers", id, `${id}-json.log`), lines.map(entry).join(""));
    writeFileSync(
      join(this.folder, "test.yaml"),
      "exporters: { otlp_http: { encoding: json, compression: none } }\n",
    );
  }

  private async listen(): Promise<void> {
    this.server = createServer(async (request, response) => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      const { resourceLogs } = JSON.parse(Buffer.concat(parts).toString());
      for (const { scopeLogs } of resourceLogs)
        for (const { logRecords } of scopeLogs) this.records.push(...logRecords);
      response.setHeader("content-type", "application/json").end("{}");
    });
    await new Promise<void>((ready) => this.server.listen(0, "127.0.0.1", ready));
  }
}

/** Where in the file a record's line begins. */
const offset = (fields: Record<string, string>): number =>
  Number(/-(\d+)-\d+$/.exec(fields["log.record.uid"] ?? "")?.[1]);
