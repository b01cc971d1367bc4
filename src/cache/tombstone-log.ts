/**
 * The file of tombstones, `.mir/tombstones`: lines like those of the journal, fsynced before anybody is answered.
 *
 *   H log                                    a name of this file, made with it: others remember how far they read
 *   T seq id purgedAt withdrawnAt blocked changedAt
 *                                            state of an id after a change; a later line of the id wins
 */

import {
  closeSync,
  constants,
  fdatasyncSync,
  openSync,
  readFileSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { syncFolder, writeDurably } from "../base/durable.ts";
import { isMissing } from "../base/errno.ts";
import { checkedBody, checkedRecord, metaDir } from "./journal.ts";
import type { PurgeState } from "./tombstone-state.ts";

export interface TombstoneLog {
  /** Durable when it returns; throws what the file system says, and then nothing of it may be kept. */
  append(states: readonly PurgeState[]): void;
  /** Replaces the file by these. */
  replace(states: Iterable<PurgeState>): void;
  /** Lines since the last replacement. */
  readonly appended: number;
  /** Of the file now. */
  readonly bytes: number;
}

export interface ReadTombstones {
  /** 16 hex digits. */
  readonly name: string;
  /** In the order of the file; several of an id are possible. */
  readonly states: readonly PurgeState[];
  /** Lines that say nothing. */
  readonly garbage: number;
}

const NAMED = /^H ([0-9a-f]{16})$/;
const STATE = /^T (\d{1,15}) ([A-Za-z0-9_-]{6,96}) (\d{1,10}) (\d{1,10}) ([01]) (\d{1,10})$/;

/** A file without a name of its own gets a new one. */
export function readTombstones(dir: string): ReadTombstones {
  let name: string | undefined;
  let garbage = 0;
  const states: PurgeState[] = [];
  for (const line of textOf(pathOf(dir)).split("\n")) {
    if (line === "") continue;
    const body = checkedBody(line);
    const state = body === undefined ? undefined : stateOf(body);
    const named = body === undefined ? undefined : NAMED.exec(body)?.[1];
    name ??= named;
    if (state !== undefined) states.push(state);
    else if (named === undefined) garbage++;
  }
  return { name: name ?? newName(), states, garbage };
}

/** Nothing is written before the first change. */
export function openTombstoneLog(dir: string, name: string): TombstoneLog {
  const path = pathOf(dir);
  let appended = 0;
  return {
    get appended() {
      return appended;
    },
    get bytes() {
      return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    },
    append(states) {
      const fresh = statSync(path, { throwIfNoEntry: false }) === undefined;
      const text = (fresh ? nameRecord(name) : "") + states.map(stateRecord).join("");
      appendDurably(path, text);
      if (fresh) syncFolder(metaDir(dir));
      appended += states.length;
    },
    replace(states) {
      const text = nameRecord(name) + [...states].map(stateRecord).join("");
      writeDurably({ path, tempPath: `${path}.new`, text });
      appended = 0;
    },
  };
}

function appendDurably(path: string, text: string): void {
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT;
  const fd = openSync(path, flags, 0o600);
  try {
    const bytes = Buffer.from(text, "latin1");
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
    fdatasyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function nameRecord(name: string): string {
  return checkedRecord(`H ${name}`);
}

function stateRecord(state: PurgeState): string {
  const { seq, id, purgedAt, withdrawnAt, blocked, changedAt } = state;
  return checkedRecord(`T ${seq} ${id} ${purgedAt} ${withdrawnAt} ${blocked ? 1 : 0} ${changedAt}`);
}

function stateOf(body: string): PurgeState | undefined {
  const found = STATE.exec(body);
  if (found === null) return undefined;
  const [, seq, id = "", purgedAt, withdrawnAt, blocked, changedAt] = found;
  return {
    id,
    seq: Number(seq),
    purgedAt: Number(purgedAt),
    withdrawnAt: Number(withdrawnAt),
    blocked: blocked === "1",
    changedAt: Number(changedAt),
  };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    if (isMissing(error)) return "";
    throw error;
  }
}

function pathOf(dir: string): string {
  return join(metaDir(dir), "tombstones");
}

function newName(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString("hex");
}
