import { type Directory, func, object, type Secret } from "@dagger.io/dagger";
import { readLogs } from "./logs.js";
import { onOrOff } from "./maintenance.js";
import { provisionMachine } from "./provisioning.js";
import type { Payload } from "./ssh-connection.js";
import { runOnSite, type Target } from "./target.js";

/** The site of one environment: its machine and the stack that runs there. */
@object()
export class Site {
  // State of the object. Without a decorator the fields do not show in help.
  private readonly env: string;
  private readonly sshKey: Secret;
  private readonly environments: Directory;
  private readonly scripts: Directory;

  constructor(env: string, sshKey: Secret, environments: Directory, scripts: Directory) {
    this.env = env;
    this.sshKey = sshKey;
    this.environments = environments;
    this.scripts = scripts;
  }

  /**
   * Show the release, image, lock, services and last deploy.
   *
   * @param follow Follow the run that is in progress, or print the log of the last one
   */
  @func({ cache: "never" })
  async status(follow: boolean = false): Promise<string> {
    return this.run(follow ? ["status", "--follow"] : ["status"]);
  }

  /**
   * List who did what and when, how long it took and how it ended.
   */
  @func({ cache: "never" })
  async history(): Promise<string> {
    return this.run(["history"]);
  }

  /**
   * Print log lines, oldest first, each once.
   *
   * The lines come from Loki, over the SSH connection. If Loki does not answer, they come from Docker's log files on the
   * machine, and the first line says so.
   *
   * @param service One service, e.g. app, worker, nginx or postgres; all by default
   * @param since Age of the oldest line, a number and s, m, h or d
   * @param level Minimum level: debug, info, warn, error, fatal
   * @param query LogQL: a whole query, or what follows the selector, such as '|= "timeout"'
   * @param limit Maximum number of lines, the newest ones, at most 5000
   * @param follow Print new lines until interrupted
   */
  @func({ cache: "never" })
  async logs(
    service: string = "",
    since: string = "1h",
    level: string = "",
    query: string = "",
    limit: number = 1000,
    follow: boolean = false,
  ): Promise<string> {
    return readLogs(this.target(), { service, since, level, query, limit, follow });
  }

  /**
   * Print a service's last lines from Docker's log files.
   *
   * @param service app, worker, beat, nginx, postgres, redis, kafka
   * @param lines Number of lines
   */
  @func({ cache: "never" })
  async appLogs(service: string = "app", lines: number = 100): Promise<string> {
    return this.run(["app-logs", service, String(lines)]);
  }

  /**
   * Run a command in a service's container.
   *
   * Example: `exec --command python,manage.py,showmigrations`.
   *
   * @param command The command and its arguments
   * @param service The service in whose container it runs
   */
  @func({ cache: "never" })
  async exec(command: string[], service: string = "app"): Promise<string> {
    return this.run(["exec", service, ...command]);
  }

  /**
   * Switch the maintenance page on or off.
   *
   * @param on Show the page to all visitors
   * @param off Return to normal operation
   */
  @func({ cache: "never" })
  async maintenance(on: boolean = false, off: boolean = false): Promise<string> {
    return this.run(["maintenance", onOrOff(on, off)]);
  }

  /**
   * Back up the database to a file on the machine.
   */
  @func({ cache: "never" })
  async backup(): Promise<string> {
    return this.run(["backup"]);
  }

  /**
   * List the backups that can be restored.
   */
  @func({ cache: "never" })
  async backups(): Promise<string> {
    return this.run(["backups"]);
  }

  /**
   * Replace the database with a backup.
   *
   * The backup is loaded into a new database, verified and migrated to the release's schema, then swapped in. Visitors see the
   * maintenance page during the swap, for a few seconds. The replaced database is retained.
   *
   * @param backup Name of the backup, as `backups` prints it
   * @param by Name for the history; by default the comment or fingerprint of the SSH key
   */
  @func({ cache: "never" })
  async restore(backup: string, by: string = ""): Promise<string> {
    return this.run(["restore", backup], { by });
  }

  /**
   * Verify the newest backup by restoring it into a temporary database.
   *
   * Counts the rows of every table, migrates them to the release's schema and drops the temporary database.
   */
  @func({ cache: "never" })
  async restoreDrill(): Promise<string> {
    return this.run(["restore-drill"]);
  }

  /**
   * Repair what a killed deploy left behind and release its lock.
   *
   * @param by Name for the history; by default the comment or fingerprint of the SSH key
   */
  @func({ cache: "never" })
  async unlock(by: string = ""): Promise<string> {
    return this.run(["unlock"], { by });
  }

  /**
   * Prepare a bare Debian or Ubuntu machine for the stack.
   *
   * Installs Docker, creates the deploy user, restricts SSH to keys, sets up a firewall and automatic updates. Prints what
   * it changed. Idempotent: a second call changes nothing. The SSH key must belong to the admin; afterwards it also lets the
   * environment's user in.
   *
   * @param admin root, or a user who has sudo without a password, e.g. admin or ubuntu
   * @param swap Megabytes of swap for a machine that has none; 0 for none
   */
  @func({ cache: "never" })
  async provision(admin: string = "root", swap: number = 2048): Promise<string> {
    return provisionMachine(this.target(), admin, { swap });
  }

  private target(): Target {
    const { env, sshKey, environments, scripts } = this;
    return { env, sshKey, environments, scripts };
  }

  private run(args: readonly string[], payload?: Payload): Promise<string> {
    return runOnSite(this.target(), args, payload);
  }
}
