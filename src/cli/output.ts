/** The terminal: the only place that writes to standard output and standard error for people. */

import { writeSync } from "node:fs";

export interface Output {
  /** A line on standard output. */
  say(line: string): void;
  /** A line on standard error. */
  complain(line: string): void;
  /** Text on standard output as it is. */
  write(text: string): void;
  readonly isTerminal: boolean;
  /** As wide as the terminal is now; undefined where there is none. */
  columns(): number | undefined;
  /** Colour is wanted: a terminal, and `NO_COLOR` not set. */
  readonly colour: boolean;
}

export const terminal: Output = {
  say: (line) => put(1, `${line}\n`),
  complain: (line) => put(2, `${line}\n`),
  write: (text) => put(1, text),
  isTerminal: process.stdout.isTTY === true,
  columns: () => (process.stdout.isTTY === true ? process.stdout.columns : undefined),
  colour: process.stdout.isTTY === true && !process.env["NO_COLOR"],
};

/** What is for people goes to standard error where standard output is for machines. */
export function aside({ complain }: Pick<Output, "complain">): Output {
  return {
    say: complain,
    complain,
    write() {},
    columns: () => undefined,
    isTerminal: false,
    colour: false,
  };
}

/** Synchronous, so that nothing is lost when the process ends; a reader that went away ends us quietly. */
function put(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  let done = 0;
  while (done < bytes.length) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : "";
      if (code === "EPIPE") process.exit(1);
      if (code !== "EAGAIN") throw error;
    }
  }
}
