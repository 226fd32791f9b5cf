import { UserError } from "../core/errors.ts";
import { hostPlatform } from "../core/values.ts";

/** @throws UserError for any platform but this machine's; none at all is this machine's. */
export function requirePlatform(platform: string | null | undefined): void {
  if (platform && platform !== hostPlatform) {
    throw new UserError(
      `platform ${platform}: the embedded engine runs ${hostPlatform} alone; the official engine takes others`,
    );
  }
}
