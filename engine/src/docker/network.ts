import type { Session } from "../session/session.ts";

/** The network that a session's services and their users share; made when first needed. */
export class SessionNetwork {
  private name?: Promise<string>;

  constructor(private readonly session: Session) {}

  /** Its name. */
  ensure(): Promise<string> {
    this.name ??= this.create();
    return this.name;
  }

  /** Its name, if it was needed yet. */
  async current(): Promise<string | undefined> {
    return this.name;
  }

  /** This machine's address in it. */
  async gateway(): Promise<string> {
    const { IPAM } = await this.session.docker.getNetwork(await this.ensure()).inspect();
    return IPAM?.Config?.[0]?.Gateway ?? "";
  }

  private async create(): Promise<string> {
    const { id, docker, labels } = this.session;
    const name = `stackline-${id}`;
    await docker.createNetwork({ Name: name, Labels: labels, CheckDuplicate: true });
    return name;
  }
}
