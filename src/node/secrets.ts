/** Secrets: from the environment or a file that others cannot read, never from the topology (spec §9). */

import { readFileSync, statSync } from "node:fs";
import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import type { S3Secrets } from "../origin/origin.ts";

export interface Secrets {
  readonly s3: S3Secrets | undefined;
  readonly adminToken: string | undefined;
  /** Keys by which nodes know each other, the newest first; [] when there is none. */
  readonly controlKeys: readonly string[];
  /** Each of them opens uploads; none: no uploads are taken. */
  readonly uploadKeys: readonly string[];
}

const NAMES = [
  "MIR_S3_ACCESS_KEY_ID",
  "MIR_S3_SECRET_ACCESS_KEY",
  "MIR_ADMIN_TOKEN",
  "MIR_CONTROL_KEY",
  "MIR_UPLOAD_KEYS",
] as const;

/** `file` has lines `NAME=value`; it wins over the environment. Throws a Fault that never shows a value. */
export function readSecrets(options: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly file: string | undefined;
}): Secrets {
  const fromFile = options.file === undefined ? new Map() : readFile(options.file);
  const get = (name: (typeof NAMES)[number]): string | undefined =>
    fromFile.get(name) ?? (options.env[name] || undefined);
  const accessKeyId = get("MIR_S3_ACCESS_KEY_ID");
  const secretAccessKey = get("MIR_S3_SECRET_ACCESS_KEY");
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    throw new Fault(
      "bad_request",
      "MIR_S3_ACCESS_KEY_ID and MIR_S3_SECRET_ACCESS_KEY go together; one of them is missing",
    );
  }
  return {
    s3:
      accessKeyId === undefined || secretAccessKey === undefined
        ? undefined
        : { accessKeyId, secretAccessKey },
    adminToken: get("MIR_ADMIN_TOKEN"),
    controlKeys: controlKeysOf(get("MIR_CONTROL_KEY")),
    uploadKeys: uploadKeysOf(get("MIR_UPLOAD_KEYS")),
  };
}

/** `new` or `new,old`: with both accepted, nodes can be restarted one after the other with another key. */
function controlKeysOf(text: string | undefined): readonly string[] {
  if (text === undefined) return [];
  const { controlKeysMax, controlKeyCharsMin, controlKeyCharsMax } = LIMITS;
  const keys = text.split(",").map((key) => key.trim());
  if (keys.length > controlKeysMax) {
    const told = `MIR_CONTROL_KEY has ${keys.length} keys; at most ${controlKeysMax}, as new,old`;
    throw new Fault("bad_request", told);
  }
  for (const [i, { length }] of keys.entries()) {
    if (length >= controlKeyCharsMin && length <= controlKeyCharsMax) continue;
    throw new Fault(
      "bad_request",
      `key ${i + 1} of MIR_CONTROL_KEY has ${length} characters; ${controlKeyCharsMin} to ` +
        `${controlKeyCharsMax} are wanted, as from: openssl rand -hex 32`,
    );
  }
  return keys;
}

/** Several at a time, so that one can be replaced without a gap. */
function uploadKeysOf(text: string | undefined): readonly string[] {
  if (text === undefined) return [];
  const words = text.split(",").map((word) => word.trim());
  const keys = words.filter((word) => word !== "");
  // who has written it wants uploads: that none would be taken must not be found out by their users
  if (keys.length === 0) throw new Fault("bad_request", "MIR_UPLOAD_KEYS has no key in it");
  return keys;
}

function readFile(path: string): Map<string, string> {
  const { mode } = statOf(path);
  if ((mode & 0o077) !== 0) {
    throw new Fault("bad_request", `others can read the secrets file ${path}: chmod 600 it`);
  }
  const found = new Map<string, string>();
  readFileSync(path, "utf8")
    .split("\n")
    .forEach((line, i) => {
      const text = line.trim();
      if (text === "" || text.startsWith("#")) return;
      const at = text.indexOf("=");
      const name = text.slice(0, at).trim();
      if (at < 1 || !(NAMES as readonly string[]).includes(name)) {
        throw new Fault(
          "bad_request",
          `${path}:${i + 1}: expected one of ${NAMES.join(", ")} = value`,
        );
      }
      const value = text.slice(at + 1).trim();
      if (/^(["']).*\1$/.test(value)) {
        const told = `${path}:${i + 1}: the quotes would be part of ${name}: leave them out`;
        throw new Fault("bad_request", told);
      }
      found.set(name, value);
    });
  return found;
}

function statOf(path: string): { mode: number } {
  try {
    return statSync(path);
  } catch (cause) {
    throw new Fault("bad_request", `the secrets file ${path} cannot be read`, { cause });
  }
}
