/** The wish of whoever started the demo that it end. */

export interface StopSignals extends Disposable {
  readonly signal: AbortSignal;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The first signal is a wish; a second one ends the process at once, which ends the nodes too. */
export function listenForStop(): StopSignals {
  const stopping = new AbortController();
  const stop = (): void => {
    if (stopping.signal.aborted) process.exit(1);
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
