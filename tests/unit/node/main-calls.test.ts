/** Calls from a worker thread to main: how they end, and what may be said of them while they wait. */

import { describe, expect, test } from "bun:test";
import { Fault } from "../../../src/base/fault.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import {
  type MainCaller,
  makeCallDesk,
  makeMainCaller,
  type Steered,
} from "../../../src/node/main-calls.ts";
import type { MainCall, ToMain, ToWorker } from "../../../src/node/messages.ts";

const REQUEST: MainCall = { what: "resolve", webId: "a" };

/** Both ends, with messages copied as threads copy them. */
function connect(work: (request: MainCall, steered: Steered) => Promise<unknown>) {
  const sent: ToMain[] = [];
  const desk = makeCallDesk({
    work,
    send: (message: ToWorker) => caller.take(structuredClone(message)),
  });
  const caller: MainCaller = makeMainCaller((message) => {
    sent.push(message);
    if (message.kind === "call" || message.kind === "steer") desk.take(structuredClone(message));
  });
  return { caller, desk, sent };
}

const untilAborted = (signal: AbortSignal): Promise<string> =>
  new Promise((resolve) => signal.addEventListener("abort", () => resolve("heard")));

describe("a call", () => {
  test("is answered with what main found, or refused with its fault", async () => {
    const good = connect(async () => ({ found: 1 }));
    expect(await good.caller.call(REQUEST)).toEqual({ found: 1 });
    const bad = connect(() => Promise.reject(new Fault("overloaded", "no", { retryAfterMs: 5 })));
    await expect(bad.caller.call(REQUEST)).rejects.toMatchObject({
      code: "overloaded",
      retryAfterMs: 5,
    });
  });

  test("beyond the bound is refused at once", async () => {
    const { caller } = connect(() => new Promise(() => {}));
    for (let i = 0; i < LIMITS.mainCallsMax; i++) void caller.call(REQUEST);
    await expect(caller.call(REQUEST)).rejects.toMatchObject({ code: "overloaded" });
  });
});

describe("while it waits", () => {
  for (const what of ["leave", "hurry"] as const) {
    test(`main hears ${what}, once`, async () => {
      const { caller, sent } = connect((_, steered) => untilAborted(steered[what]));
      const control = new AbortController();
      const answer = caller.call(REQUEST, { [what]: control.signal });
      control.abort();
      expect(await answer).toBe("heard");
      expect(sent.filter(({ kind }) => kind === "steer")).toHaveLength(1);
    });
  }

  test("what was said before the call is said with it", async () => {
    const { caller } = connect((_, steered) => untilAborted(steered.leave));
    expect(await caller.call(REQUEST, { leave: AbortSignal.abort() })).toBe("heard");
  });

  test("nothing is said of it after it was answered", async () => {
    const { caller, sent } = connect(async () => 1);
    const control = new AbortController();
    await caller.call(REQUEST, { leave: control.signal });
    control.abort();
    expect(sent.map(({ kind }) => kind)).toEqual(["call"]);
  });

  test("the end of its worker is told to all that wait", async () => {
    const heard: Promise<string>[] = [];
    const { caller, desk } = connect((_, steered) => {
      const hearing = untilAborted(steered.leave);
      heard.push(hearing);
      return hearing;
    });
    void caller.call(REQUEST);
    void caller.call(REQUEST);
    desk.close();
    expect(await Promise.all(heard)).toEqual(["heard", "heard"]);
  });
});
