/** Originals for which the cache has no room, on disk while something is made from them; a few at once. */

import { closeSync, openSync, writeSync } from "node:fs";
import type { Body } from "../base/body.ts";
import type { Clock } from "../base/clock.ts";
import { Fault } from "../base/fault.ts";
import { LIMITS } from "../base/limits.ts";
import type { Cache } from "../cache/cache.ts";
import { type Context, withinDeadline } from "./context.ts";
import { moveAway, openTarget, type Target } from "./target.ts";
import { unwritable } from "./write-fault.ts";

let running = 0;
const waiting: PromiseWithResolvers<void>[] = [];

/** Until it is disposed, one of the few. Throws `overloaded` when too many wait, `too_slow` at the context's deadline. */
export async function spoolTurn(context: Context, clock: Clock): Promise<Disposable> {
  if (running >= LIMITS.spoolsMax) {
    if (waiting.length >= LIMITS.spoolsWaitingMax) {
      throw new Fault("overloaded", "no room for one more original", { retryAfterMs: 1000 });
    }
    const turn = Promise.withResolvers<void>();
    waiting.push(turn);
    try {
      await withinDeadline(context, clock, turn.promise);
    } catch (error) {
      const at = waiting.indexOf(turn);
      // it was given just now: somebody else gets it
      if (at < 0) passOn();
      else waiting.splice(at, 1);
      throw error;
    }
  } else running++;
  return { [Symbol.dispose]: passOn };
}

function passOn(): void {
  const next = waiting.shift();
  if (next === undefined) running--;
  else next.resolve();
}

/** All of a body, in a file that disposing removes. Throws `unwritable` when there is nowhere to write. */
export async function spoolPast(cache: Cache, body: Body): Promise<Target> {
  let file: OpenTarget | undefined;
  try {
    file = openForWriting(openTarget(cache));
    for (let position = 0; ; ) {
      const chunk = await body.read();
      if (chunk === undefined) break;
      file = write(cache, file, { chunk, position });
      position += chunk.length;
    }
    file.close();
    return file.target;
  } catch (error) {
    body.cancel();
    file?.[Symbol.dispose]();
    throw error;
  }
}

interface OpenTarget extends Disposable {
  readonly target: Target;
  readonly fd: number;
  /** The descriptor only; once is enough. */
  close(): void;
}

function openForWriting(target: Target): OpenTarget {
  let fd: number;
  try {
    fd = openSync(target.path, "r+");
  } catch (error) {
    target[Symbol.dispose]();
    throw unwritable(error);
  }
  let open = true;
  const close = (): void => {
    if (open) closeSync(fd);
    open = false;
  };
  return {
    target,
    fd,
    close,
    [Symbol.dispose]() {
      close();
      target[Symbol.dispose]();
    },
  };
}

/** In place, or where the rest goes when the cache directory takes no more. */
function write(
  cache: Cache,
  file: OpenTarget,
  { chunk, position }: { readonly chunk: Uint8Array; readonly position: number },
): OpenTarget {
  if (!file.target.keepable) {
    writeElsewhere(file.fd, chunk, position);
    return file;
  }
  try {
    cache.writeTemp({ path: file.target.path, fd: file.fd }, chunk, position);
    return file;
  } catch (error) {
    cache.noteTrouble(error, file.target.path);
  }
  const elsewhere = openForWriting(moveAway(file.target));
  file.close();
  try {
    writeElsewhere(elsewhere.fd, chunk, position);
    return elsewhere;
  } catch (error) {
    elsewhere[Symbol.dispose]();
    throw error;
  }
}

function writeElsewhere(fd: number, chunk: Uint8Array, position: number): void {
  try {
    for (let done = 0; done < chunk.length; ) {
      done += writeSync(fd, chunk, done, chunk.length - done, position + done);
    }
  } catch (error) {
    throw unwritable(error);
  }
}
