/** Main asks one worker thread what it knows of an id, and waits for a moment. */

import { DEADLINES } from "../base/deadlines.ts";
import type { Recalled, WhyWish } from "../content/why/recall.ts";
import type { ToMain, ToWorker } from "./messages.ts";

export interface Recalls {
  /** undefined when the thread is not there, or has no time within `whyThreadMs`. */
  ask(
    send: ((message: ToWorker) => void) | undefined,
    wish: WhyWish,
  ): Promise<Recalled | undefined>;
  take(message: Extract<ToMain, { kind: "recalled" }>): void;
}

export function makeRecalls(waitMs: number = DEADLINES.whyThreadMs): Recalls {
  const open = new Map<number, (recalled: Recalled | undefined) => void>();
  let last = 0;
  return {
    ask(send, wish) {
      if (send === undefined) return Promise.resolve(undefined);
      const recall = ++last;
      const answer = Promise.withResolvers<Recalled | undefined>();
      const late = setTimeout(answer.resolve, waitMs);
      open.set(recall, answer.resolve);
      send({ kind: "recall", recall, wish });
      return answer.promise.finally(() => {
        clearTimeout(late);
        open.delete(recall);
      });
    },
    take: ({ recall, recalled }) => open.get(recall)?.(recalled),
  };
}
