/** What a program has said, and how it ended. */

import type { Subprocess } from "bun";

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Of a program that was started with both of its outputs in pipes. */
export async function ended(child: Subprocess<"ignore", "pipe", "pipe">): Promise<Ended> {
  const [code, out, err] = await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code, out, err };
}
