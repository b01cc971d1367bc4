/** What systemd is told of a node, by the protocol of sd_notify(3); without one that asks, nothing. */

import { type DatagramSocket, openDatagramSocket } from "../base/datagram.ts";
import { DEADLINES } from "../base/deadlines.ts";
import type { Log } from "../observe/log.ts";

export interface ServiceManager extends Disposable {
  /** From here on the state is told, and the watchdog fed while the node is worth keeping. */
  readonly ready: () => void;
  reloading(): void;
  stopping(): void;
}

export function openServiceManager(options: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  /** One line for `systemctl status`. */
  readonly state: () => string;
  /** False when only a restart of the process helps: the watchdog is not fed any more. */
  readonly worthKeeping: () => boolean;
  readonly log: Log;
}): ServiceManager {
  const { env, pid, state, worthKeeping, log } = options;
  const address = env["NOTIFY_SOCKET"];
  if (address === undefined || address === "") return SILENT;
  const socket = openDatagramSocket(address);
  if (socket === undefined) {
    log.warn("service_manager.not_reached", { address });
    return SILENT;
  }
  const watchdogMs = watchdogOf(env, pid);
  let last = "";
  const tell = (lines: readonly string[]): void => {
    if (lines.length > 0 && !socket.send(lines.join("\n"))) {
      log.warn("service_manager.not_told", { lines });
    }
  };
  const tick = (): void => {
    const now = state();
    const changed = now === last ? [] : [`STATUS=${now}`];
    last = now;
    tell([...changed, ...(watchdogMs !== undefined && worthKeeping() ? ["WATCHDOG=1"] : [])]);
  };
  let timer: ReturnType<typeof setInterval> | undefined;
  return {
    ready() {
      tell(["READY=1"]);
      tick();
      const everyMs = Math.min(DEADLINES.serviceTellMs, (watchdogMs ?? Infinity) / 2);
      timer ??= setInterval(tick, everyMs);
    },
    reloading: () => tell(["RELOADING=1", `MONOTONIC_USEC=${socket.monotonicUs()}`]),
    stopping: () => tell(["STOPPING=1"]),
    [Symbol.dispose]: () => end(timer, socket),
  };
}

const SILENT: ServiceManager = {
  ready() {},
  reloading() {},
  stopping() {},
  [Symbol.dispose]() {},
};

function end(timer: ReturnType<typeof setInterval> | undefined, socket: DatagramSocket): void {
  clearInterval(timer);
  socket[Symbol.dispose]();
}

/** Milliseconds; undefined where nobody watches, or another process is meant. */
function watchdogOf(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
): number | undefined {
  const { WATCHDOG_USEC: us = "", WATCHDOG_PID: watched } = env;
  if (!/^[1-9][0-9]*$/.test(us)) return undefined;
  return watched === undefined || watched === String(pid) ? Number(us) / 1000 : undefined;
}
