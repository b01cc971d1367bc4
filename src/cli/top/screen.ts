/** The terminal as a screen: another buffer without a cursor, keys one by one; whatever happens, it is given back as it was. */

import { writeSync } from "node:fs";

export interface Screen extends Disposable {
  readonly columns: number;
  readonly rows: number;
  /** The whole of it, a text a line; what is too much is cut off. */
  draw(lines: readonly string[]): void;
  /** Bytes of keys, as they come. */
  onKeys(listener: (bytes: string) => void): void;
  /** It has another size now. */
  onResize(listener: () => void): void;
  /** Resolves when it is to end: by a signal, or because the terminal has gone. */
  readonly ended: Promise<void>;
}

const ENTER = "\x1b[?1049h\x1b[?25l\x1b[2J";
const LEAVE = "\x1b[?25h\x1b[?1049l";
/** Terminals that know it show nothing of a frame before all of it. */
const BEGIN_FRAME = "\x1b[?2026h\x1b[H";
const END_FRAME = "\x1b[J\x1b[?2026l";
const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"] as const;
const COLUMNS_DEFAULT = 80;
const ROWS_DEFAULT = 24;

/** For standard input and output that are a terminal. */
export function openScreen(): Screen {
  const { stdin, stdout } = process;
  const end = Promise.withResolvers<void>();
  const stop = (): void => end.resolve();
  let open = true;
  const leave = (): void => {
    if (!open) return;
    open = false;
    put(LEAVE);
    setRaw(false);
    stdin.pause();
  };
  for (const name of SIGNALS) process.on(name, stop);
  stdin.on("end", stop);
  stdin.on("error", stop);
  // an exception that nobody catches ends the process, too
  process.on("exit", leave);
  setRaw(true);
  stdin.resume();
  put(ENTER);
  return {
    get columns() {
      return stdout.columns || COLUMNS_DEFAULT;
    },
    get rows() {
      return stdout.rows || ROWS_DEFAULT;
    },
    draw(lines) {
      if (!open) return;
      const shown = lines.slice(0, this.rows).map((line) => {
        return `${Bun.sliceAnsi(line, 0, this.columns)}\x1b[0m\x1b[K`;
      });
      put(BEGIN_FRAME + shown.join("\r\n") + END_FRAME);
    },
    onKeys(listener) {
      stdin.on("data", (data: Buffer | string) => listener(data.toString()));
    },
    onResize: (listener) => void stdout.on("resize", listener),
    ended: end.promise,
    [Symbol.dispose]() {
      leave();
      for (const name of SIGNALS) process.off(name, stop);
      process.off("exit", leave);
    },
  };

  function setRaw(on: boolean): void {
    try {
      stdin.setRawMode(on);
    } catch {
      // the terminal has gone: there is nothing to give back
    }
  }

  function put(text: string): void {
    const bytes = Buffer.from(text);
    try {
      for (let done = 0; done < bytes.length; ) done += written(bytes, done);
    } catch {
      end.resolve();
    }
  }
}

/** A terminal that is slow to take a frame is waited for. */
function written(bytes: Uint8Array, from: number): number {
  try {
    return writeSync(1, bytes, from);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EAGAIN") return 0;
    throw error;
  }
}
