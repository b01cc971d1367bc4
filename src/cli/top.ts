/** `mir top`: the mesh, live in a terminal. */

import { setTimeout as pause } from "node:timers/promises";
import { defineCommand } from "citty";
import { asFault } from "../base/fault.ts";
import { ANY_NODE_ARGS, type ClientOptions, findAdminClient } from "./admin-client.ts";
import { glyphsFor } from "./glyphs.ts";
import { fetchMesh, followMeshEvents } from "./mesh-client.ts";
import { terminal } from "./output.ts";
import type { Look } from "./status-report.ts";
import { ansiTint, plainTint } from "./tint.ts";
import { topFrame, wholeFrame } from "./top/frame.ts";
import { keysIn } from "./top/keys.ts";
import { openScreen, type Screen } from "./top/screen.ts";
import { START, type TopState, withKey, withMesh } from "./top/state.ts";
import { UsageError } from "./usage.ts";

const args = {
  ...ANY_NODE_ARGS,
  once: { type: "boolean", description: "one frame as plain lines, and the end" },
} as const;

/** A node that has gone is asked for again this often. */
const AGAIN_MS = 1_000;
const COLUMNS_DEFAULT = 120;

export const topCommand = defineCommand({
  meta: { name: "top", description: "the mesh, live in a terminal" },
  args,
  async run({ args: given }) {
    const options = { ...given, token: process.env["MIR_ADMIN_TOKEN"] };
    const glyphs = glyphsFor(process.env);
    if (given.once === true) {
      const mesh = await fetchMesh(await findAdminClient(options));
      const look = { tint: terminal.colour ? ansiTint : plainTint, glyphs };
      const columns = terminal.columns() ?? COLUMNS_DEFAULT;
      for (const line of wholeFrame(withMesh(START, mesh), columns, look)) terminal.say(line);
      return;
    }
    if (!terminal.isTerminal || process.stdin.isTTY !== true) {
      throw new UsageError(
        "mir top needs a terminal; --once prints one frame, mir status --json is for machines",
      );
    }
    // what is wrong before the first frame is told like that of any command
    await findAdminClient(options);
    using screen = openScreen();
    await show(screen, options, { tint: terminal.colour ? ansiTint : plainTint, glyphs });
    // a stream that has not ended yet is not waited for
    screen[Symbol.dispose]();
    process.exit(0);
  },
});

/** Until a key or a signal ends it. */
async function show(screen: Screen, options: ClientOptions, look: Look): Promise<void> {
  const quit = new AbortController();
  let state: TopState = START;
  const draw = (): void => screen.draw(topFrame(state, screen, look));
  const become = (next: TopState): void => {
    state = next;
    draw();
  };
  screen.onResize(draw);
  screen.onKeys((bytes) => {
    for (const key of keysIn(bytes)) {
      if (key === "quit") quit.abort();
      else become(withKey(state, key));
    }
  });
  void screen.ended.then(() => quit.abort());
  draw();
  while (!quit.signal.aborted) {
    try {
      const client = await findAdminClient(options);
      for await (const mesh of followMeshEvents(client, quit.signal)) become(withMesh(state, mesh));
    } catch (error) {
      if (quit.signal.aborted) return;
      become({ ...state, trouble: `${asFault(error).message}; it is asked again` });
      await pause(AGAIN_MS, undefined, { signal: quit.signal }).catch(() => undefined);
    }
  }
}
