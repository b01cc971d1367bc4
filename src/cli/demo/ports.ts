/** Ports nobody listens on. */

import { Fault } from "../../base/fault.ts";
import { DEMO_LIMITS } from "./bounds.ts";
import type { Random } from "./random.ts";

/**
 * Below the range from which systems take the ports of outgoing connections: none of those can
 * slip in between our look and the node's bind.
 */
const LOWEST = 20_000;
const HIGHEST = 31_999;

export interface Ports extends Disposable {
  /** `preferred` when it is free, else another one. */
  take(preferred?: number): number;
}

/**
 * Nodes bind with SO_REUSEPORT, so two demos that found the same port free would share it without
 * an error. A guard (an abstract unix socket, which goes with its process) keeps every port we
 * hand out.
 */
export function openPorts(random: Random): Ports {
  const guards: Disposable[] = [];
  return {
    take(preferred) {
      for (let n = 0; n < DEMO_LIMITS.portTries; n++) {
        const any = LOWEST + Math.floor(random() * (HIGHEST - LOWEST + 1));
        const port = n === 0 && preferred !== undefined ? preferred : any;
        const guard = isFree(port) ? guardOf(port) : undefined;
        if (guard === undefined) continue;
        guards.push(guard);
        return port;
      }
      throw new Fault("internal", `no free port from ${LOWEST} to ${HIGHEST} on 127.0.0.1`);
    },
    [Symbol.dispose]() {
      for (const guard of guards) guard[Symbol.dispose]();
    },
  };
}

function isFree(port: number): boolean {
  const probe = held(() => Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } }));
  probe?.[Symbol.dispose]();
  return probe !== undefined;
}

function guardOf(port: number): Disposable | undefined {
  if (process.platform !== "linux") return { [Symbol.dispose]() {} };
  return held(() => Bun.listen({ unix: `\0mir-demo-${port}`, socket: { data() {} } }));
}

/** undefined when the address is taken, or may not be bound by us. */
function held(listen: () => { stop(force: boolean): void }): Disposable | undefined {
  try {
    const listener = listen();
    return { [Symbol.dispose]: () => listener.stop(true) };
  } catch {
    return undefined;
  }
}
