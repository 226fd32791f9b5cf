/** The settings of Loki 3.7.1 that are used here, as its configuration reference documents them. */
type Kind = "text" | "number" | "boolean" | "duration" | "size" | "texts";
type Section = { [name: string]: Kind | Section | [Section] };

const settings: Section = {
  auth_enabled: "boolean",
  server: { http_listen_port: "number", log_level: "text", grpc_server_max_recv_msg_size: "number" },
  common: {
    instance_addr: "text",
    path_prefix: "text",
    replication_factor: "number",
    storage: { filesystem: { chunks_directory: "text", rules_directory: "text" } },
    ring: { kvstore: { store: "text" } },
  },
  schema_config: {
    configs: [
      {
        from: "text",
        store: "text",
        object_store: "text",
        schema: "text",
        index: { prefix: "text", period: "duration" },
      },
    ],
  },
  ingester: {
    max_chunk_age: "duration",
    chunk_idle_period: "duration",
    wal: { replay_memory_ceiling: "size" },
  },
  compactor: {
    working_directory: "text",
    compaction_interval: "duration",
    retention_enabled: "boolean",
    delete_request_store: "text",
    retention_delete_delay: "duration",
  },
  limits_config: {
    retention_period: "duration",
    ingestion_rate_mb: "number",
    ingestion_burst_size_mb: "number",
    per_stream_rate_limit: "size",
    per_stream_rate_limit_burst: "size",
    max_line_size: "size",
    max_line_size_truncate: "boolean",
    reject_old_samples_max_age: "duration",
    max_structured_metadata_size: "size",
    max_global_streams_per_user: "number",
    max_entries_limit_per_query: "number",
    otlp_config: {
      resource_attributes: {
        ignore_defaults: "boolean",
        attributes_config: [{ action: "text", attributes: "texts" }],
      },
    },
  },
  query_range: {
    results_cache: { cache: { embedded_cache: { enabled: "boolean", max_size_mb: "number" } } },
  },
  analytics: { reporting_enabled: "boolean" },
};

const kinds: Record<Kind, (value: unknown) => boolean> = {
  text: (value) => typeof value === "string" && value !== "",
  number: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === "boolean",
  // Or a variable of the compose file.
  duration: (value) => typeof value === "string" && /^(\d+(ms|[smhdwy])|\$\{\w+\})$/.test(value),
  size: (value) => typeof value === "string" && /^\d+[KMG]B$/.test(value),
  texts: (value) => Array.isArray(value) && value.every((one) => typeof one === "string"),
};

/** Settings that Loki does not document, or with a value of another kind. Loki does not start with an unknown setting. */
export function unknownSettings(given: unknown, known: Section = settings, at = ""): string[] {
  if (typeof given !== "object" || given === null) return [`${at} is no section`];
  return Object.entries(given).flatMap(([name, value]) => {
    const [rule, path] = [known[name], at ? `${at}.${name}` : name];
    if (rule === undefined) return [`${path} is unknown`];
    if (typeof rule === "string") return kinds[rule](value) ? [] : [`${path} is no ${rule}`];
    if (!Array.isArray(rule)) return unknownSettings(value, rule, path);
    if (!Array.isArray(value)) return [`${path} is no list`];
    return value.flatMap((one, index) => unknownSettings(one, rule[0], `${path}[${index}]`));
  });
}
