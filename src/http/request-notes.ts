/** What is known of an answer beside what it shows, for the line of the log that tells of it. */

import type { Trace } from "../observe/trace.ts";

export interface Note {
  /** Of the body, as promised. */
  readonly bytes?: number;
  readonly relname?: string;
  readonly trace?: Trace | undefined;
}

const notes = new WeakMap<Response, Note>();

export function note(answer: Response, more: Note): void {
  notes.set(answer, { ...notes.get(answer), ...more });
}

export function noteOf(answer: Response): Note {
  return notes.get(answer) ?? {};
}
