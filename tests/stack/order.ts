import { services } from "./production.ts";

interface Event {
  service: string;
  action: string;
  /** Nanoseconds. */
  at: number;
  exitCode?: string;
}

/** Docker's events (one JSON object per line) for the containers of services. */
export function parseEvents(text: string): Event[] {
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line))
    .map(({ Action: action, timeNano: at, Actor: { Attributes: attributes } }) => ({
      service: attributes["com.docker.compose.service"],
      action,
      at,
      exitCode: attributes.exitCode,
    }))
    .filter(({ service }) => service in services);
}

/** A sentence for every service that started before its dependencies were ready. */
export function outOfOrder(events: Event[]): string[] {
  const first = (service: string, is: (event: Event) => boolean): number =>
    events.find((event) => event.service === service && is(event))?.at ?? Number.POSITIVE_INFINITY;
  return Object.entries(services).flatMap(([service, { depends_on = {} }]) => {
    const started = first(service, ({ action }) => action === "start");
    return Object.entries(depends_on)
      .filter(([needed, { condition }]) => !(readyAt(first, needed, condition) <= started))
      .map(([needed, { condition }]) => `${service} before ${needed} was ${condition}`);
  });
}

function readyAt(
  first: (service: string, is: (event: Event) => boolean) => number,
  service: string,
  condition: string,
): number {
  if (condition === "service_completed_successfully")
    return first(service, ({ action, exitCode }) => action === "die" && exitCode === "0");
  return first(service, ({ action }) => action === "health_status: healthy");
}
