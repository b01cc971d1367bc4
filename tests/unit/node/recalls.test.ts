/** Main asks its threads what they know. */

import { expect, test } from "bun:test";
import type { Recalled } from "../../../src/content/why/recall.ts";
import type { ToWorker } from "../../../src/node/messages.ts";
import { makeRecalls } from "../../../src/node/recalls.ts";

const WISH = { id: "harbour", webId: undefined, size: "md", format: "jpg" };
const KNOWN: Recalled = {
  ...{ path: undefined, refusals: [], fills: [] },
  next: { relname: "ha/rb/ou/md/harbour.jpg", steps: [] },
};

test("a thread says what it knows, each question by its number", async () => {
  const recalls = makeRecalls(60_000);
  const sent: ToWorker[] = [];
  const answers = [1, 2].map(() => recalls.ask((message) => sent.push(message), WISH));
  expect(sent).toEqual([
    { kind: "recall", recall: 1, wish: WISH },
    { kind: "recall", recall: 2, wish: WISH },
  ]);
  recalls.take({ kind: "recalled", recall: 2, recalled: undefined });
  recalls.take({ kind: "recalled", recall: 1, recalled: KNOWN });
  expect(await Promise.all(answers)).toEqual([KNOWN, undefined]);
});

test("one that has no time, or is not there, is not waited for", async () => {
  const recalls = makeRecalls(1);
  expect(await recalls.ask(() => undefined, WISH)).toBeUndefined();
  expect(await recalls.ask(undefined, WISH)).toBeUndefined();
  // what it says afterwards is heard by nobody
  recalls.take({ kind: "recalled", recall: 1, recalled: KNOWN });
});
