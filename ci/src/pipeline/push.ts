/** The tags to push an image under. */
export interface Pushes {
  repository: string;
  /** Pushes to an address; returns it with the digest. */
  push: (address: string) => Promise<string>;
  /** Tags that name this image; pushed first. */
  fixed: readonly string[];
  /** Tags that follow the newest version: pushed only when the others are. */
  moving: readonly string[];
}

interface Failure {
  tag: string;
  reason: string;
}

/**
 * Pushes an image under each tag.
 * @returns its reference by digest; undefined if there is no tag.
 * @throws Error that names the tag that failed and those that are pushed, with the digest.
 */
export async function pushAll({ repository, push, fixed, moving }: Pushes): Promise<string | undefined> {
  const pushed: string[] = [];
  let reference: string | undefined;
  const pushOne = async (tag: string): Promise<void> => {
    const address = await push(`${repository}:${tag}`);
    reference = `${repository}@${address.split("@")[1]}`;
    pushed.push(tag);
  };
  // The first push uploads the layers; the others find them in the registry.
  const [first, ...others] = fixed.length > 0 ? fixed : moving;
  const groups = [first ? [first] : [], others, fixed.length > 0 ? moving : []];
  for (const group of groups) {
    const outcomes = await Promise.allSettled(group.map(pushOne));
    const failures = outcomes.flatMap((outcome, at): Failure[] =>
      outcome.status === "rejected"
        ? [{ tag: group[at] as string, reason: (outcome.reason as Error).message }]
        : [],
    );
    if (failures.length > 0) throw new Error(describeFailures(failures, pushed, reference, moving));
  }
  return reference;
}

function describeFailures(
  failures: readonly Failure[],
  pushed: readonly string[],
  reference: string | undefined,
  moving: readonly string[],
): string {
  const what = failures.map(({ tag, reason }) => `${tag} is not pushed (${reason.trim()})`).join("; ");
  const rest = reference ? `pushed: ${pushed.join(", ")} as ${reference}` : "nothing is pushed";
  const advice = failures.every(({ tag }) => moving.includes(tag))
    ? "; --no-moving-tags leaves out 1.4, 1 and latest"
    : "";
  return `${what}; ${rest}${advice}`;
}
