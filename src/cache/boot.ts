/** Which life of the machine this is: a process that dies loses no write, a machine that dies may lose the last ones. */

import { readFileSync } from "node:fs";

const BOOT_ID = "/proc/sys/kernel/random/boot_id";

/** "" where the system does not tell: then every start counts as one after a loss of power. */
export function bootId(path: string = BOOT_ID): string {
  try {
    const text = readFileSync(path, "latin1").trim();
    return /^[0-9a-f-]{1,64}$/.test(text) ? text : "";
  } catch {
    return "";
  }
}
