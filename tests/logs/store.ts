/** A record from the store. Attributes have Loki's names, with underscores for dots. */
export interface Line {
  message: string;
  fields: Record<string, string>;
}

/** A log store that accepts OTLP over HTTP. */
export interface Store {
  name: string;
  image: string;
  /** The store as a service of compose, on the collector's network. */
  service: Record<string, unknown>;
  /** The collector's endpoint. */
  endpoint: string;
  port: number;
  /** The number of a service's records, duplicates included. */
  count(service: string): Promise<number>;
  /** All records of a service, in any order. */
  read(service: string): Promise<Line[]>;
  /** The same for many records: only message and key. */
  readKeys(service: string): Promise<Line[]>;
}

/** Sends a request from the store's container: path and query in, the response's text out. */
export type Ask = (path: string, query: Record<string, string>) => Promise<string>;
