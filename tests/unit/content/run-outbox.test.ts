/** Handing uploads on: the oldest first, a few at once, again and again until it is done. */

import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { systemClock } from "../../../src/base/clock.ts";
import { DEADLINES } from "../../../src/base/deadlines.ts";
import { Fault } from "../../../src/base/fault.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { FAILURES_ALONE_MAX, makeBackOff } from "../../../src/content/back-off.ts";
import { type Outbox, openOutbox } from "../../../src/content/outbox.ts";
import type { OutboxRecord } from "../../../src/content/outbox-record.ts";
import { type RunOutboxOptions, runOutbox } from "../../../src/content/run-outbox.ts";
import { recordOf, uploadName } from "../../support/outbox-files.ts";
import { makeTempDir } from "../../support/temp-dir.ts";
import { until } from "../../support/until.ts";
import { type WatchedParts, watchedParts } from "../../support/watched-parts.ts";

interface Bench extends AsyncDisposable {
  readonly outbox: Outbox;
  readonly parts: WatchedParts;
  readonly sent: string[];
  readonly done: string[];
  readonly undone: string[];
  readonly dir: string;
  stop(): Promise<void>;
}

/** Runs an outbox of `count` records; waits are a thousandth of the real ones. */
function start(
  count: number,
  send: (record: OutboxRecord) => Promise<"done">,
  more: Partial<RunOutboxOptions> = {},
): Bench {
  using stack = new DisposableStack();
  const dir = stack.use(makeTempDir());
  const parts = watchedParts();
  const outbox = openOutbox({ dir: join(dir.path, "outbox"), log: parts.log });
  for (let n = 0; n < count; n++) outbox.add(recordOf(n));
  const sent: string[] = [];
  const done: string[] = [];
  const undone: string[] = [];
  const runner = runOutbox({
    outbox,
    send: (record) => {
      sent.push(record.relname);
      return send(record);
    },
    done: (record) => done.push(record.relname),
    undo: async (record) => void undone.push(record.relname),
    ...parts,
    clock: systemClock,
    waits: { firstMs: 1, longestMs: 8 },
    ...more,
  });
  const kept = stack.move();
  return {
    ...{ outbox, parts, sent, done, undone, dir: dir.path },
    stop: () => runner.stop(),
    async [Symbol.asyncDispose]() {
      await runner.stop();
      kept.dispose();
    },
  };
}

const ok = async (): Promise<"done"> => "done";
const names = (count: number): string[] => Array.from({ length: count }, (_, n) => uploadName(n));

describe("what is in the outbox", () => {
  test("is handed on, the oldest first, and then unpinned", async () => {
    await using bench = start(20, ok, { sendingMax: 1 });
    await until(() => bench.done.length === 20);
    expect(bench.sent).toEqual(names(20));
    expect(bench.done).toEqual(names(20));
    expect(bench.outbox.pending()).toBe(0);
    expect(bench.parts.count("outbox_sent")).toBe(20);
  });

  test("is handed on as it is added", async () => {
    await using bench = start(0, ok);
    bench.outbox.add(recordOf(7));
    await until(() => bench.done.length === 1);
    expect(bench.sent).toEqual([uploadName(7)]);
  });

  test("goes a few at once, and no more", async () => {
    const gate = Promise.withResolvers<"done">();
    await using bench = start(20, () => gate.promise);
    expect(bench.sent.length).toBe(LIMITS.outboxSendingMax);
    bench.outbox.add(recordOf(99));
    expect(bench.sent.length).toBe(LIMITS.outboxSendingMax);
    gate.resolve("done");
    await until(() => bench.done.length === 21);
  });

  test("is unpinned only after its record is gone, so that a crash between the two leaves no pin", async () => {
    const gone: boolean[] = [];
    await using bench = start(1, ok, {
      done: (record) => gone.push(bench.outbox.get(record.relname) === undefined),
    });
    await until(() => gone.length === 1);
    expect(gone).toEqual([true]);
  });
});

describe("what is withdrawn", () => {
  test("while it is sent is undone once it has arrived, or forgotten when it has not", async () => {
    const gate = Promise.withResolvers<"done">();
    await using bench = start(2, (record) =>
      record.relname === uploadName(0) ? gate.promise : Promise.reject(new Error("gone")),
    );
    for (const name of names(2)) bench.outbox.remove(name);
    gate.resolve("done");
    await until(() => bench.undone.length === 1);
    expect([bench.undone, bench.done]).toEqual([[uploadName(0)], []]);
    expect(bench.parts.count("outbox_sent")).toBe(0);
  });

  test("and uploaded once more while it is sent is not undone, but sent", async () => {
    const gate = Promise.withResolvers<"done">();
    await using bench = start(1, () => gate.promise);
    bench.outbox.remove(uploadName(0));
    bench.outbox.add(recordOf(0, { modified: 1 }));
    gate.resolve("done");
    await until(() => bench.done.length === 1);
    expect(bench.sent).toEqual([uploadName(0), uploadName(0)]);
    expect(bench.undone).toEqual([]);
  });

  test("as the next hop has heard is given up, and unpinned", async () => {
    await using bench = start(1, async () => {
      throw new Fault("withdrawn", "purged");
    });
    await until(() => bench.done.length === 1);
    expect([bench.outbox.pending(), bench.outbox.aside().length]).toEqual([0, 0]);
  });
});

describe("what fails", () => {
  test("is tried again until it is done, each failure counted and logged", async () => {
    let failures = 5;
    await using bench = start(1, async () => {
      if (failures-- > 0) throw new Fault("bad_origin", "the origin store failed");
      return "done";
    });
    await until(() => bench.done.length === 1);
    expect(bench.sent.length).toBe(6);
    expect(bench.parts.count("outbox_retry")).toBe(5);
    expect(bench.parts.lines.filter((line) => line.includes("outbox.not_sent")).length).toBe(5);
  });

  test("does not hold up the others", async () => {
    await using bench = start(6, async (record) => {
      if (record.relname === uploadName(0)) throw new Error("a bug of ours");
      return "done";
    });
    await until(() => bench.done.length === 5);
    expect(bench.outbox.list().map((record) => record.relname)).toEqual([uploadName(0)]);
  });

  test("for good is set aside with an error, and not tried again, also after a restart", async () => {
    for (const code of ["conflict", "bad_digest"] as const) {
      await using bench = start(2, async (record) => {
        if (record.relname === uploadName(0)) throw new Fault(code, "for good");
        return "done";
      });
      await until(() => bench.outbox.pending() === 0);
      await bench.stop();
      expect(bench.outbox.aside().map((record) => record.relname)).toEqual([uploadName(0)]);
      expect(bench.done).toEqual([uploadName(1)]);
      expect(bench.parts.count("outbox_set_aside")).toBe(1);
      expect(bench.parts.lines.join("")).toContain("error test outbox.set_aside");
      const again = openOutbox({ dir: join(bench.dir, "outbox"), log: bench.parts.log });
      expect(again.pending()).toBe(0);
    }
  });

  test("to be unpinned is handed on all the same", async () => {
    await using bench = start(2, ok, {
      done() {
        throw new Error("the index is locked");
      },
    });
    await until(() => bench.outbox.pending() === 0);
    await bench.stop();
    expect(bench.parts.count("outbox_sent")).toBe(2);
    expect(bench.parts.count("outbox_retry")).toBe(0);
    expect(bench.parts.lines.join("")).toContain("outbox.not_unpinned");
  });
});

describe("a stop", () => {
  test("waits for what is under way and starts nothing more", async () => {
    const gate = Promise.withResolvers<"done">();
    await using bench = start(10, () => gate.promise);
    const stopped = bench.stop();
    gate.resolve("done");
    await stopped;
    expect(bench.done.length).toBe(LIMITS.outboxSendingMax);
    bench.outbox.add(recordOf(99));
    expect(bench.sent.length).toBe(LIMITS.outboxSendingMax);
    expect(bench.outbox.pending()).toBe(7);
  });
});

describe("waits between tries", () => {
  const waits = { firstMs: DEADLINES.outboxFirstMs, longestMs: DEADLINES.outboxLongestMs };

  test("are doubled up to the longest, and shortened by up to half at random", () => {
    const { clock } = watchedParts();
    for (const [luck, share] of [
      [0, 1],
      [1, 0.5],
    ] as const) {
      const backOff = makeBackOff({ clock, waits, random: () => luck });
      const after = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300].map((seconds) => seconds * 1000);
      for (const [i, ms] of after.entries()) {
        expect(backOff.failed("a", 0)).toEqual({ failures: i + 1, retryMs: ms * share });
      }
    }
  });

  test("are at least what the other side asked for, and never longer than the longest", () => {
    const backOff = makeBackOff({ clock: watchedParts().clock, waits, random: () => 0 });
    expect(backOff.failed("a", 20_000).retryMs).toBe(20_000);
    expect(backOff.failed("b", 1e9).retryMs).toBe(DEADLINES.outboxLongestMs);
  });

  test("end with the time given, and with a success", () => {
    const { clock } = watchedParts();
    const backOff = makeBackOff({ clock, waits, random: () => 0 });
    backOff.failed("a", 0);
    expect(backOff.waitMs("a")).toBe(1000);
    expect(backOff.waitMs("b")).toBe(0);
    clock.advance(999);
    expect(backOff.waitMs("a")).toBe(1);
    clock.advance(1);
    expect(backOff.waitMs("a")).toBe(0);
    backOff.succeeded("a");
    expect(backOff.failed("a", 0).failures).toBe(1);
  });

  test("are for everything once nothing works, until something does", () => {
    const { clock } = watchedParts();
    const backOff = makeBackOff({ clock, waits, random: () => 0 });
    for (let n = 0; n < FAILURES_ALONE_MAX; n++) backOff.failed(`${n}`, 0);
    expect(backOff.waitMs("new")).toBe(0);
    backOff.failed("one more", 0);
    expect(backOff.waitMs("new")).toBe(1000);
    backOff.failed("another", 0);
    expect(backOff.waitMs("new")).toBe(2000);
    backOff.succeeded("lucky");
    expect(backOff.waitMs("new")).toBe(0);
  });
});
