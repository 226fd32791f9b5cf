import { logStore } from "../../ci/src/versions.ts";
import { root } from "../stack/tools.ts";
import type { Ask, Line, Store } from "./store.ts";

const PAGE = 5000;

/** Loki with the production configuration, if its image is available. */
export function loki(ask: Ask): Store {
  const query = (service: string) => `{service_name="${service}"}`;
  return {
    name: logStore.loki,
    image: logStore.loki,
    service: {
      image: logStore.loki,
      command: ["-config.file=/etc/loki/stackline.yaml", "-config.expand-env=true"],
      environment: { LOKI_RETENTION: "744h" },
      networks: ["logs"],
      volumes: [`${root}logs/loki.yaml:/etc/loki/stackline.yaml:ro`, "/loki"],
      restart: "unless-stopped",
      logging: { driver: "none" },
    },
    endpoint: "http://store:3100/otlp",
    port: 3100,
    async count(service) {
      const sum = `sum(count_over_time(${query(service)}[2h]))`;
      const { data } = JSON.parse(await ask("/loki/api/v1/query", { query: sum }));
      return Number(data.result[0]?.value[1] ?? 0);
    },
    read: (service) => readAll(ask, query(service)),
    readKeys: (service) => readAll(ask, query(service)),
  };
}

/** Reads page by page. Records with the timestamp of a page's last one appear twice: count by log_record_uid. */
async function readAll(ask: Ask, query: string): Promise<Line[]> {
  const lines: Line[] = [];
  for (let start = BigInt(Date.now() - 7_200_000) * 1_000_000n; ; ) {
    const page = await readPage(ask, query, String(start));
    lines.push(...page.map(({ line }) => line));
    if (page.length < PAGE) return lines;
    start = page.at(-1)?.at ?? start;
  }
}

interface Stream {
  stream: Record<string, string>;
  values: [string, string][];
}

async function readPage(ask: Ask, query: string, start: string): Promise<{ at: bigint; line: Line }[]> {
  const options = { query, start, direction: "forward", limit: String(PAGE) };
  const { data } = JSON.parse(await ask("/loki/api/v1/query_range", options));
  return (data.result as Stream[])
    .flatMap(({ stream, values }) =>
      values.map(([at, message]) => ({ at: BigInt(at), line: { message, fields: stream } })),
    )
    .sort((one, other) => (one.at < other.at ? -1 : 1));
}
