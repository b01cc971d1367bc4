/** How far a command is: one line again and again on a terminal, a line now and then elsewhere, nothing for machines. */

import type { Output } from "./output.ts";

export interface Progress extends Disposable {
  show(text: string): void;
}

/** Where nobody watches a line is written less often. */
const QUIET_LINE_MS = 5_000;
const ERASE = "\r\x1b[2K";

/** Disposing of it takes the line back. */
export function openProgress(
  output: Output,
  {
    json,
    nowMs = () => performance.now(),
  }: { readonly json: boolean; readonly nowMs?: () => number },
): Progress {
  const inPlace = output.isTerminal && !json;
  let saidMs = nowMs();
  let isShown = false;
  return {
    show(text) {
      if (inPlace) {
        isShown = true;
        const columns = output.columns();
        // a line that wraps could not be taken back
        const shown = columns === undefined ? text : Bun.sliceAnsi(text, 0, columns - 1);
        output.write(`${ERASE}${shown}`);
      } else if (!json && nowMs() - saidMs > QUIET_LINE_MS) {
        saidMs = nowMs();
        output.say(text);
      }
    },
    [Symbol.dispose]() {
      if (isShown) output.write(ERASE);
    },
  };
}

/** In the order given; each part is as long as `size`, but for the last. */
export function inBatches<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, i) => items.slice(i * size, (i + 1) * size));
}
