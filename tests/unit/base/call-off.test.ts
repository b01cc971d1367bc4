/** That something is not wanted any more, said once. */

import { describe, expect, test } from "bun:test";
import { CallOff } from "../../../src/base/call-off.ts";
import { Fault } from "../../../src/base/fault.ts";

const FAULT = new Fault("peer_failed", "gone");

describe("a call-off", () => {
  test("is heard once, by who listens then", () => {
    const callOff = new CallOff();
    const heard: string[] = [];
    callOff.hear(() => heard.push("first"));
    callOff.hear(({ message }) => heard.push(message));
    expect(callOff.reason).toBeUndefined();
    callOff.call(FAULT);
    callOff.call(new Fault("too_slow", "again"));
    expect(heard).toEqual(["gone"]);
    expect(callOff.reason).toBe(FAULT);
  });

  test("is heard at once by who comes later", () => {
    const callOff = new CallOff();
    callOff.call(FAULT);
    const heard: Fault[] = [];
    callOff.hear((reason) => heard.push(reason));
    expect(heard).toEqual([FAULT]);
  });

  test("is not heard by who has stopped listening", () => {
    const callOff = new CallOff();
    let heard = false;
    callOff.hear(() => {
      heard = true;
    });
    callOff.deafen();
    callOff.call(FAULT);
    expect(heard).toBe(false);
  });

  test("aborts a signal that was asked for before or after, with its reason", () => {
    const before = new CallOff();
    const { signal } = before;
    expect([before.signal === signal, signal.aborted]).toEqual([true, false]);
    before.call(FAULT);
    const after = new CallOff();
    after.call(FAULT);
    for (const one of [signal, after.signal])
      expect([one.aborted, one.reason]).toEqual([true, FAULT]);
  });
});
