/** @module-tag slow */

import { expect, test } from "vitest";
import { containers, eventually, exec, MINUTES, outcome } from "./containers.ts";

const IMAGE = "apache/kafka:4.1.1";
const bin = "/opt/kafka/bin";
const properties = "/opt/kafka/config/server.properties";
const { start } = containers();

const listening = ["bash", "-c", "</dev/tcp/127.0.0.1/9092"];

test(
  "without variables it is a combined broker and controller, and messages can be produced and consumed",
  async () => {
    const broker = await start(IMAGE, "alone");
    await eventually(broker, listening);
    const server = "--bootstrap-server localhost:9092";
    const produced = await exec(broker, [
      "sh",
      "-c",
      `echo hello | ${bin}/kafka-console-producer.sh ${server} --topic t`,
    ]);
    expect(produced.code).toBe(0);
    const consume = `${bin}/kafka-console-consumer.sh ${server} --topic t --from-beginning --max-messages 1`;
    const { output } = await exec(broker, ["sh", "-c", `${consume} --timeout-ms 20000`]);
    expect(output).toMatch(/^hello$/m);
  },
  5 * MINUTES,
);

test(
  "KAFKA_ variables become broker properties, and clients reach the advertised listener",
  async () => {
    const broker = await start(IMAGE, "broker", {
      env: {
        KAFKA_NODE_ID: "7",
        KAFKA_PROCESS_ROLES: "broker,controller",
        KAFKA_LISTENERS: "PLAINTEXT://:9092,CONTROLLER://:9093",
        KAFKA_ADVERTISED_LISTENERS: "PLAINTEXT://broker:9092",
        KAFKA_CONTROLLER_LISTENER_NAMES: "CONTROLLER",
        KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        KAFKA_CONTROLLER_QUORUM_VOTERS: "7@localhost:9093",
        KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: "1",
        KAFKA_LOG_DIRS: "/var/lib/kafka/data",
        KAFKA_LOG4J_ROOT_LOGLEVEL: "WARN",
        KAFKA_HEAP_OPTS: "-Xmx320m -Xms320m",
        KAFKA_SASL_JAAS_CONFIG___X__Y: "odd",
      },
    });
    await eventually(broker, listening);
    const config = (await exec(broker, ["cat", properties])).output;
    expect(config).toContain("node.id=7\n");
    expect(config).toContain("sasl.jaas.config-x_y=odd");
    expect(config).not.toMatch(/heap|log4j/);
    expect((await exec(broker, ["sh", "-c", "tr '\\0' ' ' </proc/1/cmdline"])).output).toContain("-Xmx320m");
    expect((await exec(broker, ["cat", "/opt/kafka/config/log4j2.yaml"])).output).toContain('level: "WARN"');

    const client = await start(IMAGE, "client", { command: ["sleep", "60"] });
    const topics = [`${bin}/kafka-topics.sh`, "--bootstrap-server", "broker:9092"];
    expect((await exec(client, [...topics, "--create", "--topic", "orders"])).code).toBe(0);
    expect((await exec(client, [...topics, "--list"])).output).toContain("orders");
  },
  5 * MINUTES,
);

test(
  "an invalid configuration ends the container with Kafka's own error",
  async () => {
    const { code, output } = await outcome(await start(IMAGE, "lost", { env: { KAFKA_HOST: "broker" } }));
    expect(code).not.toBe(0);
    expect(output).toContain("process.roles");
  },
  5 * MINUTES,
);

test(
  "a broker restarts on its formatted data directories",
  async () => {
    const broker = await start(IMAGE, "again");
    await eventually(broker, listening);
    await broker.restart();
    expect(await eventually(broker, listening)).toBe("");
  },
  5 * MINUTES,
);
