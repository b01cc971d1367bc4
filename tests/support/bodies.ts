/** Reads bodies to their end, and what a promise fails with. */

import type { Body } from "../../src/base/body.ts";
import { Fault, type FaultCode } from "../../src/base/fault.ts";

/** All bytes; chunks are copied, since each is only valid until the next read. */
export async function readAll(body: Body): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (;;) {
    const chunk = await body.read();
    if (chunk === undefined) return Buffer.concat(parts);
    parts.push(chunk.slice());
  }
}

/** The Fault that `work` must end in; anything else fails the test. */
export async function faultOf(work: Promise<unknown>): Promise<Fault> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error("no fault was thrown");
}

export async function codeOf(work: Promise<unknown>): Promise<FaultCode> {
  return (await faultOf(work)).code;
}
