import { UserError } from "../core/errors.ts";
import { hostPlatform } from "../schema/platform.ts";

/** @throws UserError for any platform but this machine's, which is the default. */
export function requirePlatform(platform: string | null | undefined): void {
  if (platform && platform !== hostPlatform) {
    throw new UserError(
      `platform ${platform}: the embedded engine runs ${hostPlatform} only; the official engine takes others`,
    );
  }
}
