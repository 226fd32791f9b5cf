/** Silence after which the user is told what is being waited for, in seconds: first, second and every further time. */
const SAY_AFTER = [5, 25, 60] as const;

/** Reports a wait for a registry that stays silent, again and again. */
class Patience {
  private timer: NodeJS.Timeout | undefined;
  private since = Date.now();
  private said = 0;

  constructor(
    private readonly what: string,
    private readonly report: (line: string) => void,
  ) {
    this.arm();
  }

  /** Something was heard: the silence starts anew. */
  heard(): void {
    this.since = Date.now();
    this.said = 0;
    this.arm();
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private arm(): void {
    clearTimeout(this.timer);
    const seconds = SAY_AFTER[Math.min(this.said, SAY_AFTER.length - 1)] as number;
    this.timer = setTimeout(() => this.say(), seconds * 1000);
  }

  private say(): void {
    this.said++;
    const seconds = Math.round((Date.now() - this.since) / 1000);
    this.report(`${this.what}: no answer for ${seconds} s, still waiting`);
    this.arm();
  }
}

/** Runs `work`, which calls `heard` at each sign of life, and reports its silence. */
export async function withPatience<T>(
  what: string,
  report: (line: string) => void,
  work: (heard: () => void) => Promise<T>,
): Promise<T> {
  const patience = new Patience(what, report);
  try {
    return await work(() => patience.heard());
  } finally {
    patience.stop();
  }
}
