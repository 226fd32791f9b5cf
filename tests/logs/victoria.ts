import type { Ask, Line, Store } from "./store.ts";

const IMAGE = "victoriametrics/victoria-logs:v1.52.1";

/** VictoriaLogs: accepts OTLP, and can be built without an image registry. */
export function victoriaLogs(ask: Ask): Store {
  const query = (service: string, rest: string) =>
    ask("/select/logsql/query", { query: `{service.name="${service}"} ${rest}` });
  return {
    name: "VictoriaLogs 1.52.1",
    image: IMAGE,
    service: {
      image: IMAGE,
      command: ["-storageDataPath=/data", "-retentionPeriod=10y", "-httpListenAddr=:9428"],
      networks: ["logs"],
      volumes: ["/data"],
      restart: "unless-stopped",
      logging: { driver: "none" },
    },
    endpoint: "http://store:9428/insert/opentelemetry",
    port: 9428,
    async count(service) {
      const answer = await query(service, "| stats count() n");
      return Number(answer ? JSON.parse(answer).n : 0);
    },
    read: async (service) => lines(await query(service, "")),
    readKeys: async (service) => lines(await query(service, "| fields _msg, log.record.uid")),
  };
}

const lines = (text: string): Line[] => text.split("\n").filter(Boolean).map(toLine);

function toLine(text: string): Line {
  const { _msg, _stream, _stream_id, ...attributes } = JSON.parse(text);
  const fields = Object.entries<string>(attributes).map(([name, value]) => [
    name.replaceAll(".", "_"),
    value,
  ]);
  return { message: _msg, fields: Object.fromEntries(fields) };
}
