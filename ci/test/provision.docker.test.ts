/** @module-tag slow */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Server } from "node:net";
import { join } from "node:path";
import type Docker from "dockerode";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { $ } from "zx";
import { provideImage } from "../../engine/src/images/index.ts";
import { images } from "../src/versions.ts";
import { addressOf, type BareVm, image, relay, startBareVm } from "./bare-vm.ts";
import { dagger, docker, type Outcome, scratchFolder } from "./support.ts";

const folder = scratchFolder();
const cache = inject("sharedCache");
const environments = join(folder, "environments");
let vm: BareVm;
let through: Server;
const provision = 'bash /host/provision --authorized-key "$(cat /root/key.pub)"';
const login = "ssh -i /root/key -o StrictHostKeyChecking=no -o BatchMode=yes deploy@127.0.0.1";

beforeAll(async () => {
  await provideImage(docker, images.python, () => undefined);
  vm = await startBareVm();
  await vm.run("ssh-keygen -q -t ed25519 -N '' -f /root/key");
});

afterAll(async () => {
  through?.close();
  await vm?.remove();
});

/** How a port answers another machine: "open", "refused" by the host, or "nothing" because the firewall drops the packet. */
async function knock(port: number): Promise<string> {
  const script = `
import socket
s = socket.socket(); s.settimeout(3)
try: s.connect(("${vm.address}", ${port})); print("open")
except ConnectionRefusedError: print("refused")
except socket.timeout: print("nothing")`;
  return (await $({ quiet: true })`docker run --rm ${images.python} python3 -c ${script}`).stdout.trim();
}

/** How ports answer a container on the VM. */
async function askFrom(container: string, ports: readonly string[]): Promise<string[]> {
  const answers = ports.map(async (port) => {
    const line = `timeout 5 docker exec ${container} /bin/bash -c '</dev/tcp/${port}'`;
    const { exitCode, output } = await vm.run(line);
    if (exitCode === 0) return "open";
    return output.includes("refused") ? "refused" : output.trim() || "nothing";
  });
  return Promise.all(answers);
}

/** How many of so many connections to port 443 another machine gets. */
async function connections(wanted: number): Promise<number> {
  const script = `
import socket
kept = []
for _ in range(${wanted}):
    s = socket.socket(); s.settimeout(0.5)
    try: s.connect(("${vm.address}", 443)); kept.append(s)
    except OSError: pass
print(len(kept))`;
  return Number((await $({ quiet: true })`docker run --rm ${images.python} python3 -c ${script}`).stdout);
}

describe("scripts/host/provision on a bare Debian", () => {
  test("does not disable passwords until a key is authorised", async () => {
    const { exitCode, output } = await vm.run("bash /host/provision");
    expect(exitCode, output).toBe(0);
    expect(output).toContain("SSH still accepts passwords, because neither root nor deploy has a key");
    expect((await vm.run("sshd -T | grep ^passwordauthentication")).output).toBe(
      "passwordauthentication yes\n",
    );
  });

  test("prepares the machine", async () => {
    const { exitCode, output } = await vm.run(provision);
    expect(exitCode, output).toBe(0);
    expect(output).toMatch(/\d+ changes; this machine is ready\n$/);
    expect((await vm.run("systemctl --failed --no-legend")).output).toBe("");
    expect((await vm.run("docker-compose version --short || docker compose version --short")).output).toMatch(
      /\d/,
    );
    const info = await vm.run("docker info --format '{{.LoggingDriver}} {{.LiveRestoreEnabled}}'");
    expect(info.output).toBe("json-file true\n");
    const updates = await vm.run("apt-config dump APT::Periodic::Unattended-Upgrade");
    expect(updates.output).toContain('"1"');
    expect((await vm.run("systemctl is-enabled stackline-firewall unattended-upgrades docker")).output).toBe(
      "enabled\nenabled\nenabled\n",
    );
  });

  test("is idempotent", async () => {
    const { exitCode, output } = await vm.run(provision);
    expect(exitCode, output).toBe(0);
    expect(output).not.toContain("changed:");
    expect(output).toMatch(/(^|\n)nothing changed\n$/);
  });

  test("lets the deploy user log in by key and use Docker, and nobody by password", async () => {
    const inside = await vm.run(`${login} 'docker ps --quiet && touch /srv/stackline/mine && echo in'`);
    expect(inside.output).toMatch(/in\n$/);
    const outside = await vm.run(`${login} -o PubkeyAuthentication=no true`);
    expect(outside.exitCode).toBe(255);
    expect(outside.output).toContain("Permission denied (publickey).");
  });

  test("opens only SSH, 80 and 443, even if Docker publishes other ports", async () => {
    const made = await vm.run(
      "tar -ch $(ldd /bin/sleep /bin/bash | grep -o '/[^ :]*' | sort -u) 2>/dev/null | docker import - tiny && docker run -d --name web -p 80:80 -p 8080:80 tiny /bin/sleep 600",
    );
    expect(made.exitCode, made.output).toBe(0);
    expect(await Promise.all([22, 80, 443, 8080, 5432].map(knock))).toEqual([
      "open",
      "refused",
      "refused",
      "nothing",
      "nothing",
    ]);
    // 8080 is reachable from the machine itself, so it is the firewall that blocks others.
    expect(
      (await vm.run("timeout 5 bash -c '</dev/tcp/127.0.0.1/8080' 2>&1; ss -tln | grep -c ':8080'")).output,
    ).toMatch(/[12]\n$/);
  });

  test("limits the connections of one address to the site, and not those of a proxy in front of it", async () => {
    const listen =
      "IO::Socket::INET->new(LocalPort => 443, Listen => 200, ReuseAddr => 1); push @all, $s->accept while 1";
    await vm.run(`setsid perl -MIO::Socket -e '$s = ${listen}' >/dev/null 2>&1 </dev/null & sleep 1`);
    await vm.run(`${provision} --client-connections 10`);
    const fromClient = await connections(60);
    await vm.run(`${provision} --client-connections 10 --trusted-proxy ${vm.address}/16`);
    const fromProxy = await connections(60);
    await vm.run(`pkill -x perl; ${provision}`);
    expect([fromClient, fromProxy]).toEqual([20, 60]);
  });

  test("stops no container when it restores the log limits", async () => {
    await vm.run("rm /etc/docker/daemon.json");
    const { output } = await vm.run(provision);
    expect(output).toContain("the new log limits take effect when Docker is restarted");
    expect((await vm.run("docker ps --quiet | wc -l")).output).toBe("1\n");
  });

  test("restores missing firewall rules next to those of Docker", async () => {
    await vm.run("nft delete table inet stackline");
    expect(await knock(8080)).toBe("refused");
    const { output } = await vm.run(provision);
    expect(output).toContain("changed: the firewall rules were missing and are loaded again");
    expect(await knock(8080)).toBe("nothing");
    expect(await knock(80)).toBe("refused");
  });

  describe("a container", () => {
    /** The internet: another machine, which also answers as the cloud's metadata service. */
    let internet: Docker.Container;
    const serve = (...ports: number[]): string =>
      ports.map((port) => `setsid python3 -m http.server ${port} >/dev/null 2>&1 &`).join("\n");

    beforeAll(async () => {
      internet = await docker.createContainer({
        Image: image,
        Entrypoint: ["sh", "-c"],
        Cmd: [`ip address add 169.254.169.254/32 dev lo\n${serve(53, 80, 7000)}\nsleep 3600`],
        HostConfig: { CapAdd: ["NET_ADMIN"], AutoRemove: true },
      });
      await internet.start();
      const there = await addressOf(internet);
      const made = await vm.run(`set -e
        ip route add 169.254.169.254 via ${there}
        ${serve(9999, 9100)}
        docker network create app
        docker run -d --name inside --network app tiny /bin/sleep 3600
        docker network connect app web
        for port in 127.0.0.1/9999 127.0.0.1/9100 169.254.169.254/80 169.254.169.254/53 ${there}/7000; do
          timeout 60 bash -c "until (</dev/tcp/$port) 2>/dev/null; do sleep 0.2; done"
        done`);
      expect(made.exitCode, made.output).toBe(0);
    });

    afterAll(() => internet?.remove({ force: true }).catch(() => undefined));

    /** From Docker's default network and from one as compose makes it. */
    async function answers(): Promise<Record<"closed" | "open" | "asked", string[]>> {
      const { address } = vm;
      const closed = ["169.254.169.254/80", `${address}/9999`, `${address}/22`, `${address}/8080`];
      const open = ["169.254.169.254/53", `${address}/80`, `${await addressOf(internet)}/7000`];
      const from = async (ports: string[]): Promise<string[]> =>
        (await Promise.all(["web", "inside"].map((name) => askFrom(name, ports)))).flat();
      return { closed: await from(closed), open: await from(open), asked: await from([`${address}/9100`]) };
    }

    const all = (count: number, answer: string): string[] => Array(count).fill(answer);

    test("reaches no port of the machine and no metadata, but the site, DNS and the internet", async () => {
      await vm.run("nft delete table inet stackline");
      expect(await answers()).toEqual({
        closed: all(8, "open"),
        open: all(6, "open"),
        asked: all(2, "open"),
      });
      expect(await vm.run(provision)).toMatchObject({ exitCode: 0 });
      expect(await answers()).toEqual({
        closed: all(8, "refused"),
        open: all(6, "open"),
        asked: all(2, "refused"),
      });
      expect(await vm.run("timeout 5 bash -c '</dev/tcp/169.254.169.254/80'")).toMatchObject({ exitCode: 0 });
    });

    test("reaches a port that --container-port names", async () => {
      expect((await vm.run(`${provision} --container-port 9100`)).output).toMatch(
        /changed: \S+firewall.nft\n/,
      );
      expect((await vm.run(`${provision} --container-port 9100`)).output).toMatch(/nothing changed\n$/);
      const { closed, asked } = await answers();
      expect(asked).toEqual(all(2, "open"));
      expect(closed).toEqual(all(8, "refused"));
    });

    test("still reaches none after a restart of Docker and one of the firewall", async () => {
      await vm.run("systemctl restart docker stackline-firewall && docker start web inside");
      expect((await answers()).closed).toEqual(all(8, "refused"));
      expect((await vm.run(`${login} echo in`)).output).toContain("in\n");
      await vm.run(provision);
    });
  });

  test("does not change the SSH configuration if sshd rejects the new one", async () => {
    await vm.run(
      "rm /etc/ssh/sshd_config.d/00-stackline.conf; echo 'Nonsense yes' >/etc/ssh/sshd_config.d/50.conf",
    );
    const { exitCode, output } = await vm.run(provision);
    expect(exitCode).toBe(1);
    expect(output).toMatch(/FAILED: SSH is unchanged: sshd does not accept \S+\n$/);
    const { output: files } = await vm.run("rm /etc/ssh/sshd_config.d/50.conf; ls /etc/ssh/sshd_config.d");
    expect(files).toBe("");
    expect((await vm.run(`${login} echo in`)).output).toContain("in\n");
  });

  test.each([
    ["--user root", /FAILED: --user root: the deploying user must not be root/],
    ["--ssh-port 99999", /FAILED: --ssh-port '99999' is not a port/],
    ["--container-port 0", /FAILED: --container-port '0' is not a port/],
    ["--authorized-key rsa", /FAILED: --authorized-key takes a public key/],
    ["--client-connections many", /FAILED: --client-connections 'many' is not a number/],
    ["--trusted-proxy lb.example", /FAILED: --trusted-proxy 'lb.example' is not an address/],
    ["--wrong x", /FAILED: there is no option '--wrong'/],
  ])("refuses %s before it changes anything", async (options, message) => {
    const { exitCode, output } = await vm.run(`bash /host/provision ${options}`);
    expect(exitCode).not.toBe(0);
    expect(output).toMatch(message);
    expect(output).not.toContain("changed:");
  });
});

describe("call site provision", () => {
  let entry: { host: string; port: number };

  function describeMachine(name: string, hostKey: string): void {
    mkdirSync(environments, { recursive: true });
    const environment = { ...entry, user: "deploy", hostKey, repository: "you/app" };
    writeFileSync(join(environments, `${name}.json`), JSON.stringify(environment));
  }

  beforeAll(async () => {
    const { server, ...where } = await relay(vm);
    [through, entry] = [server, where];
    const { output } = await vm.run("cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub");
    describeMachine("right", output.trim());
    describeMachine("wrong", (await vm.run("cut -d' ' -f1,2 /root/key.pub")).output.trim());
    await vm.run(
      "ssh-keygen -q -t ed25519 -N '' -C admin -f /root/admin && mkdir -p -m 700 /root/.ssh && cp /root/admin.pub /root/.ssh/authorized_keys",
    );
    process.env.STACKLINE_TEST_KEY = (await vm.run("cat /root/admin")).output.trim();
  });

  const call = (env: string, ...args: string[]): Promise<Outcome> =>
    dagger(
      cache,
      "call",
      "site",
      `--env=${env}`,
      "--ssh-key=env://STACKLINE_TEST_KEY",
      `--environments=${environments}`,
      "provision",
      ...args,
    );

  test("provisions over SSH and authorises the key for the deploy user", async () => {
    const run = await call("right");
    expect(run.exitCode, run.end).toBe(0);
    expect(run.stdout).toMatch(/changed: deploy may log in with ssh-ed25519 \.\.\./);
    expect(
      (
        await vm.run(
          "ssh -i /root/admin -o BatchMode=yes -o StrictHostKeyChecking=no deploy@127.0.0.1 echo in",
        )
      ).output,
    ).toContain("in\n");
    expect(run.output).not.toContain("PRIVATE KEY");
  });

  test("is never cached, and says if nothing changed", async () => {
    const run = await call("right");
    expect(run.exitCode, run.end).toBe(0);
    expect(run.stdout).toMatch(/(^|\n)nothing changed\n$/);
  });

  test("sends nothing to a machine with a different host key", async () => {
    const run = await call("wrong");
    expect(run.exitCode).toBe(1);
    expect(run.end).toMatch(/shows another host key than the environment's hostKey: nothing was sent/);
  });

  test("explains what to do if the user cannot become root", async () => {
    const run = await call("right", "--admin=deploy");
    expect(run.exitCode).toBe(1);
    expect(run.end).toMatch(
      /FAILED: deploy cannot become root on this machine: give --admin a user with passwordless sudo/,
    );
  });
});

describe("call cloud-init", () => {
  test("writes user data that cloud-init validates, with the same scripts and arguments", async () => {
    mkdirSync(environments, { recursive: true });
    // Neither host nor host key: the machine does not exist yet.
    writeFileSync(join(environments, "new.json"), JSON.stringify({ user: "deploy", repository: "you/app" }));
    const file = join(folder, "user-data.yml");
    const key = (await vm.run("cat /root/key.pub")).output.trim();
    const run = await dagger(
      cache,
      "call",
      "cloud-init",
      "--env=new",
      `--ssh-public-key=${key}`,
      `--environments=${environments}`,
      "--new-host-key",
      "-o",
      file,
    );
    expect(run.exitCode, run.end).toBe(0);
    const hostKey = /"hostKey": "(.+)"/.exec(readFileSync(file, "utf8"))?.[1];
    expect(hostKey).toMatch(/^ecdsa-sha2-nistp256 /);
    await $({ quiet: true })`docker cp ${file} ${vm.id}:/root/user-data`;
    const { exitCode, output } = await vm.run("cloud-init schema --config-file /root/user-data");
    expect(exitCode, output).toBe(0);
    expect(output).toMatch(/Valid/);
  });

  test("prints the user data itself", async () => {
    const key = (await vm.run("cat /root/key.pub")).output.trim();
    const target = ["--env=new", `--ssh-public-key=${key}`, `--environments=${environments}`];
    const run = await dagger(cache, "call", "cloud-init", ...target);
    expect(run.stdout).toMatch(/^#cloud-config\n/);
  });

  test("rejects what is no public key", async () => {
    const run = await dagger(
      cache,
      "call",
      "cloud-init",
      "--env=new",
      "--ssh-public-key=ssh-ed25519 AAAA test",
      `--environments=${environments}`,
    );
    expect(run.exitCode).toBe(1);
    expect(run.end).toContain("--ssh-public-key is cut off or changed");
  });
});
