import type { Run, SharedNetwork } from "./run.ts";

/** The network of a session's services and their users; created when first needed. */
export class SessionNetwork implements SharedNetwork {
  private name?: Promise<string>;

  constructor(private readonly run: Pick<Run, "id" | "docker" | "labels">) {}

  /** Its name. */
  ensure(): Promise<string> {
    this.name ??= this.create();
    return this.name;
  }

  /** Its name, if it exists yet. */
  async current(): Promise<string | undefined> {
    return this.name;
  }

  /** This machine's address in it. */
  async gateway(): Promise<string> {
    const { IPAM } = await this.run.docker.getNetwork(await this.ensure()).inspect();
    return IPAM?.Config?.[0]?.Gateway ?? "";
  }

  private async create(): Promise<string> {
    const { id, docker, labels } = this.run;
    const name = `stackline-${id}`;
    await docker.createNetwork({ Name: name, Labels: labels, CheckDuplicate: true });
    return name;
  }
}
