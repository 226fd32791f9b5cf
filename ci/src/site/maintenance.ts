/** @throws Error unless exactly one of the two flags is set. */
export function onOrOff(on: boolean, off: boolean): "on" | "off" {
  if (on === off) throw new Error("maintenance: give either --on or --off");
  return on ? "on" : "off";
}
