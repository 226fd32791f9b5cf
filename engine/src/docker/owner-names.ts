import { UserError } from "../core/errors.ts";
import type { FileSystem } from "../core/values.ts";
import type { Store } from "../store/store.ts";

export interface Ids {
  uid: number;
  gid: number;
}

/** UID and GID of an owner "user[:group]", from the passwd and group files of a file system. The group is by default the user. */
export async function idsOf(store: Store, owner: string, within: FileSystem | undefined): Promise<Ids> {
  const [user = "", group] = owner.split(":");
  const uid = await lookUp(store, within, "/etc/passwd", user);
  return { uid, gid: group === undefined ? uid : await lookUp(store, within, "/etc/group", group) };
}

async function lookUp(
  store: Store,
  within: FileSystem | undefined,
  file: string,
  name: string,
): Promise<number> {
  if (/^\d+$/.test(name)) return Number(name);
  const found = await within?.find(file);
  const text = found && "entry" in found && found.entry.blob ? store.readBlobText(found.entry.blob) : "";
  const fields = text
    .split("\n")
    .map((line) => line.split(":"))
    .find(([first]) => first === name);
  if (!fields)
    throw new UserError(
      `owner ${JSON.stringify(name)} is not in ${file}${found ? "" : ", which does not exist"}: use a number, or add it`,
    );
  return Number(fields[2]);
}
