/** A terminal that keeps what it is told. */

import type { Output } from "../../../../src/cli/output.ts";

export interface CollectedOutput extends Output {
  readonly said: string[];
  readonly complaints: string[];
  readonly written: string[];
}

export function collectOutput(
  face: { isTerminal?: boolean; colour?: boolean } = {},
): CollectedOutput {
  const { isTerminal = false, colour = false } = face;
  const [said, complaints, written]: [string[], string[], string[]] = [[], [], []];
  return {
    said,
    complaints,
    written,
    say: (line) => void said.push(line),
    complain: (line) => void complaints.push(line),
    write: (text) => void written.push(text),
    columns: () => undefined,
    isTerminal,
    colour,
  };
}
