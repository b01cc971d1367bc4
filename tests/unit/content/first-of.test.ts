/** Asking several: the next one when one cannot be reached, a second one when one is slow. */

import { describe, expect, test } from "bun:test";
import { Fault, type FaultCode } from "../../../src/base/fault.ts";
import { LIMITS } from "../../../src/base/limits.ts";
import { type Attempt, firstOf, makeHedgeBudget } from "../../../src/content/first-of.ts";
import { codeOf } from "../../support/bodies.ts";

interface Watched extends Attempt<string> {
  readonly asked: number;
  readonly discarded: readonly string[];
  readonly aborted: boolean;
  answer(text: string): void;
  refuse(code: FaultCode): void;
}

function attempt(name: string, patience?: Attempt<string>["patience"]): Watched {
  const reply = Promise.withResolvers<string>();
  const discarded: string[] = [];
  let asked = 0;
  let aborted = false;
  return {
    name,
    patience,
    run(callOff) {
      asked++;
      callOff.hear(() => {
        aborted = true;
      });
      return reply.promise;
    },
    discard: (answer) => discarded.push(answer),
    answer: (text) => reply.resolve(text),
    refuse: (code) => reply.reject(new Fault(code, `${name} says ${code}`)),
    get asked() {
      return asked;
    },
    get aborted() {
      return aborted;
    },
    discarded,
  };
}

const SOON = { waitMs: 1, whenLate: "hedge" } as const;
const yes = (): boolean => true;
const no = (): boolean => false;

/** Resolves when the attempt has been asked. */
async function askedOf(one: Watched): Promise<void> {
  while (one.asked === 0) await new Promise((resolve) => setImmediate(resolve));
}

describe("asking in order", () => {
  test("the first answer is it, and nobody else is asked", async () => {
    const [a, b] = [attempt("a"), attempt("b")];
    a.answer("one");
    expect(await firstOf([a, b], yes)).toEqual({ kind: "answer", answer: "one", by: "a" });
    expect(b.asked).toBe(0);
  });

  test("one that cannot be reached is passed over", async () => {
    for (const code of ["peer_failed", "draining", "bad_frame"] as const) {
      const [a, b] = [attempt("a"), attempt("b")];
      a.refuse(code);
      b.answer("two");
      expect(await firstOf([a, b], yes)).toMatchObject({ answer: "two", by: "b" });
    }
  });

  test("what one answers that was reached is the answer, though it be a refusal", async () => {
    for (const code of ["not_found", "overloaded", "too_slow", "undecodable"] as const) {
      const [a, b] = [attempt("a"), attempt("b")];
      a.refuse(code);
      expect(await codeOf(firstOf([a, b], yes))).toBe(code);
      expect(b.asked).toBe(0);
    }
  });

  test("nobody is left: that is told, with what the last one failed with", async () => {
    expect(await firstOf([], yes)).toEqual({ kind: "nobody", last: undefined });
    const [a, b] = [attempt("a"), attempt("b")];
    a.refuse("peer_failed");
    b.refuse("draining");
    const first = await firstOf([a, b], yes);
    expect(first.kind === "nobody" && first.last?.code).toBe("draining");
  });
});

describe("one that is slow", () => {
  test("gets a second beside it; the first answer wins and the other one is cut off", async () => {
    const [a, b] = [attempt("a", SOON), attempt("b", SOON)];
    const first = firstOf([a, b], yes);
    await askedOf(b);
    b.answer("two");
    expect(await first).toMatchObject({ answer: "two", by: "b" });
    expect(a.aborted).toBe(true);
    a.answer("late");
    await new Promise((resolve) => setImmediate(resolve));
    expect(a.discarded).toEqual(["late"]);
    expect(b.discarded).toEqual([]);
  });

  test("may still win", async () => {
    const [a, b] = [attempt("a", SOON), attempt("b", SOON)];
    const first = firstOf([a, b], yes);
    await askedOf(b);
    a.answer("one");
    expect(await first).toMatchObject({ answer: "one", by: "a" });
    expect(b.aborted).toBe(true);
  });

  test("gets at most one, and none where none is granted", async () => {
    const [a, b, c] = [attempt("a", SOON), attempt("b", SOON), attempt("c", SOON)];
    const first = firstOf([a, b, c], yes);
    await askedOf(b);
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(c.asked).toBe(0);
    a.answer("one");
    await first;

    const [d, e] = [attempt("d", SOON), attempt("e", SOON)];
    let asked = 0;
    const alone = firstOf([d, e], () => {
      asked++;
      return no();
    });
    while (asked === 0) await new Promise((resolve) => setImmediate(resolve));
    d.answer("one");
    expect(await alone).toMatchObject({ by: "d" });
    expect([e.asked, asked]).toEqual([0, 1]);
  });

  test("and refuses for the moment: the second one's answer is waited for", async () => {
    const [a, b] = [attempt("a", SOON), attempt("b", SOON)];
    const first = firstOf([a, b], yes);
    await askedOf(b);
    a.refuse("overloaded");
    await new Promise((resolve) => setImmediate(resolve));
    b.answer("two");
    expect(await first).toMatchObject({ by: "b" });
  });

  test("and the second one does not find it: the slow one may have what it alone was given", async () => {
    const [a, b] = [attempt("a", SOON), attempt("b", SOON)];
    const first = firstOf([a, b], yes);
    await askedOf(b);
    b.refuse("not_found");
    await new Promise((resolve) => setImmediate(resolve));
    a.answer("one");
    expect(await first).toMatchObject({ by: "a" });
  });

  test("and both refuse: the first refusal is told", async () => {
    const [a, b] = [attempt("a", SOON), attempt("b", SOON)];
    const first = firstOf([a, b], yes);
    await askedOf(b);
    a.refuse("overloaded");
    await new Promise((resolve) => setImmediate(resolve));
    b.refuse("peer_failed");
    expect(await codeOf(first)).toBe("overloaded");
  });

  test("and suspect is given up for the next", async () => {
    const a = attempt("a", { waitMs: 1, whenLate: "pass-over" });
    const b = attempt("b");
    b.answer("two");
    expect(await firstOf([a, b], no)).toMatchObject({ answer: "two", by: "b" });
    expect(a.aborted).toBe(true);
  });
});

describe("one that stops being up while it is asked", () => {
  test("gets another beside it at once, whatever the budget says; the first answer wins", async () => {
    const [a, b] = [attempt("a", { ...SOON, waitMs: 60_000 }), attempt("b", SOON)];
    const first = firstOf([{ ...a, isDoubtful: yes }, b], no);
    await askedOf(b);
    b.answer("two");
    expect(await first).toMatchObject({ answer: "two", by: "b" });
  });

  test("and nobody else is there: it is waited for", async () => {
    const a = attempt("a", SOON);
    const first = firstOf([{ ...a, isDoubtful: yes }], no);
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    a.answer("one");
    expect(await first).toMatchObject({ answer: "one", by: "a" });
  });
});

describe("the budget of second requests", () => {
  test("lets so many through at once, then one for so many first requests", () => {
    const budget = makeHedgeBudget();
    const spent = Array.from({ length: LIMITS.hedgesMax + 5 }, () => budget.spend());
    expect(spent.filter(Boolean)).toHaveLength(LIMITS.hedgesMax);
    for (let i = 1; i < LIMITS.hedgeAsks; i++) budget.earn();
    expect(budget.spend()).toBe(false);
    budget.earn();
    expect([budget.spend(), budget.spend()]).toEqual([true, false]);
  });

  test("does not grow beyond its maximum while nobody is slow", () => {
    const budget = makeHedgeBudget();
    for (let i = 0; i < 10 * LIMITS.hedgeAsks; i++) budget.earn();
    const spent = Array.from({ length: 2 * LIMITS.hedgesMax }, () => budget.spend());
    expect(spent.filter(Boolean)).toHaveLength(LIMITS.hedgesMax);
  });
});
