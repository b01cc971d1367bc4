/** The wish of whoever started the demo that it end. */

import type { Clock } from "../../base/clock.ts";

export interface StopSignals extends Disposable {
  readonly signal: AbortSignal;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** One Ctrl-C comes twice where a runner in front passes on what the terminal has told us too. */
const REPEAT_MS = 500;

/** The first signal is a wish; a second wish ends the process at once, which ends the nodes too. */
export function listenForStop(clock: Clock): StopSignals {
  const stopping = new AbortController();
  let wishedMs = 0;
  const stop = (): void => {
    const isFirst = !stopping.signal.aborted;
    if (isFirst) wishedMs = clock.monotonicMs();
    else if (clock.monotonicMs() - wishedMs > REPEAT_MS) process.exit(1);
    stopping.abort(new Error("stopped"));
  };
  for (const name of SIGNALS) process.on(name, stop);
  return {
    signal: stopping.signal,
    [Symbol.dispose]() {
      for (const name of SIGNALS) process.off(name, stop);
    },
  };
}
