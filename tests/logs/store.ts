/** A record as the store gives it back, its attributes under the names that Loki makes of them: dots become underscores. */
export interface Line {
  message: string;
  fields: Record<string, string>;
}

/** A log store that takes OTLP over HTTP. */
export interface Store {
  name: string;
  image: string;
  /** The store as a service of compose, on the collector's network. */
  service: Record<string, unknown>;
  /** Where the collector sends to. */
  endpoint: string;
  port: number;
  /** How many records a service has; copies count. */
  count(service: string): Promise<number>;
  /** All records of a service, in any order. */
  read(service: string): Promise<Line[]>;
  /** The same for many: the message and the key alone. */
  readKeys(service: string): Promise<Line[]>;
}

/** Asks the store's container: path and query in, the answer's text out. */
export type Ask = (path: string, query: Record<string, string>) => Promise<string>;
