/** An owner in a process of its own, to be killed: serves one endless-looking body, and prints its port. */

import { noise, startOwner, variantOf } from "./peers.ts";

const BODY_BYTES = 1024 * 1024 * 1024;
const piece = noise(1024 * 1024);
const owner = startOwner(async () => ({
  meta: variantOf(BODY_BYTES),
  via: "",
  detail: "hit",
  send: { kind: "body", body: { read: async () => piece, cancel() {} } },
}));
process.stdout.write(`${owner.port}\n`);
