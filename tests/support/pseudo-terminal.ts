/** The executable in a pseudo terminal: what it draws, what it is typed, what it leaves behind. */

import { EXECUTABLE } from "./mesh.ts";
import { until } from "./until.ts";

export interface PseudoTerminal extends AsyncDisposable {
  /** Text of the last frame, without colours. */
  frame(): string;
  /** Everything so far, as it came. */
  raw(): string;
  /** Resolves when the last frame has the text. */
  shows(text: string): Promise<void>;
  type(keys: string): void;
  resize(columns: number, rows: number): void;
  signal(name: NodeJS.Signals): void;
  /** Input, output and local flags, as they are now. */
  modes(): readonly number[];
  readonly exited: Promise<number>;
}

const FRAME_START = "\x1b[?2026h\x1b[H";
const FRAME_END = "\x1b[J";

export function openPseudoTerminal(
  args: readonly string[],
  size: { readonly columns: number; readonly rows: number },
): PseudoTerminal {
  let out = "";
  const decoder = new TextDecoder();
  const terminal = new Bun.Terminal({
    ...{ cols: size.columns, rows: size.rows },
    data(_, bytes) {
      out += decoder.decode(bytes, { stream: true });
    },
  });
  const child = Bun.spawn([EXECUTABLE, ...args], {
    terminal,
    env: { ...process.env, LC_ALL: "C.UTF-8", TERM: "xterm-256color", NO_COLOR: "" },
  });
  const frame = (): string => {
    const last = out.split(FRAME_START).at(-1)?.split(FRAME_END)[0] ?? "";
    return Bun.stripANSI(last).replaceAll("\r\n", "\n");
  };
  return {
    frame,
    raw: () => out,
    shows: (text) => until(() => frame().includes(text), `a frame with ${text}`),
    type: (keys) => void terminal.write(keys),
    resize(columns, rows) {
      terminal.resize(columns, rows);
      // nobody's controlling terminal: the kernel tells nobody of it
      child.kill("SIGWINCH");
    },
    signal: (name) => child.kill(name),
    modes: () => [terminal.inputFlags, terminal.outputFlags, terminal.localFlags],
    exited: child.exited,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
      terminal.close();
    },
  };
}
