import type { Run, SharedNetwork } from "./run.ts";

/** The network of a session's services and their users; created when first needed. */
export class SessionNetwork implements SharedNetwork {
  private name?: Promise<string>;
  /** This machine's addresses in networks of the session, with the ports that are taken there. */
  private readonly addresses: { address: Promise<string>; taken: Set<number> }[] = [];

  constructor(private readonly run: Pick<Run, "id" | "docker" | "labels">) {}

  /** Its name. */
  ensure(): Promise<string> {
    this.name ??= this.create(`stackline-${this.run.id}`);
    return this.name;
  }

  /** Its name, if it exists yet. */
  async current(): Promise<string | undefined> {
    return this.name;
  }

  async reserve(ports: readonly number[]): Promise<{ address: string; release(): void }> {
    let free = this.addresses.find(({ taken }) => !ports.some((port) => taken.has(port)));
    if (!free) {
      const count = this.addresses.length;
      // Containers reach this machine at the address of any of its networks.
      const name = count === 0 ? this.ensure() : this.create(`stackline-${this.run.id}-${count + 1}`);
      free = { address: name.then((made) => this.gatewayOf(made)), taken: new Set() };
      this.addresses.push(free);
    }
    const { address, taken } = free;
    for (const port of ports) taken.add(port);
    const release = (): void => {
      for (const port of ports) taken.delete(port);
    };
    return { address: await address, release };
  }

  private async gatewayOf(name: string): Promise<string> {
    const { IPAM } = await this.run.docker.getNetwork(name).inspect();
    return IPAM?.Config?.[0]?.Gateway ?? "";
  }

  private async create(name: string): Promise<string> {
    const { docker, labels } = this.run;
    await docker.createNetwork({ Name: name, Labels: labels, CheckDuplicate: true });
    return name;
  }
}
