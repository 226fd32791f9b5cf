import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../../scripts/lib/module.ts";

const script = join(root, "scripts/host/provisioning/firewall.sh");

/** The rules of a machine with these default routes, as `ip` prints them. */
function rules(routes: string, containerPorts = ""): string {
  const line = `set -euo pipefail; ssh_port=22; container_ports=(${containerPorts}); . "$1";
    ip() { echo "$ROUTES"; }; firewall_rules`;
  return execFileSync("bash", ["-c", line, "bash", script], {
    encoding: "utf8",
    env: { ...process.env, ROUTES: routes, SSH_CONNECTION: "" },
  });
}

test("containers reach the site and the ports that are asked for, each listed once", () => {
  const open = (ports: string): string | undefined => /th dport (\{.*\}) accept/.exec(rules("", ports))?.[1];
  expect(open("")).toBe("{ 80, 443 }");
  expect(open("9100 80 53")).toBe("{ 53, 80, 443, 9100 }");
});

test.each([
  ["default via 192.0.2.1 dev eth0 proto dhcp", 'iifname "br-*" goto containers'],
  ["", 'iifname "br-*" goto containers'],
  [
    "default via 192.0.2.1 dev br-lan onlink\ndefault via fe80::1 dev br-lan",
    'iifname "br-*" iifname != { "br-lan" } goto containers',
  ],
])("a machine's own bridge is not taken for one of Docker's, or nobody could log in: %j", (routes, rule) => {
  expect(rules(routes)).toContain(`    ${rule}\n`);
});
