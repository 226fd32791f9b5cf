import { UserError } from "../core/errors.ts";

/** UID and GID of an owner without names: "1000" or "1000:1001". */
export function numericOwner(owner: string): { uid: number; gid: number } {
  const [uid = "0", gid = uid] = owner.split(":");
  if (!/^\d+$/.test(uid) || !/^\d+$/.test(gid)) {
    throw new UserError(
      `owner ${JSON.stringify(owner)}: a directory has no user names; give numbers such as "1000:1000"`,
    );
  }
  return { uid: Number(uid), gid: Number(gid) };
}
