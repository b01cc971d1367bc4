/** What is known of an answer beside what it shows, for the line of the log that tells of it. */

import type { Trace } from "../observe/trace.ts";

export interface Note {
  /** Of the body, as promised. */
  bytes?: number;
  relname?: string | undefined;
  trace?: Trace | undefined;
}

const notes = new WeakMap<Response, Note>();

export function note(answer: Response, more: Note): void {
  const known = notes.get(answer);
  // one object an answer: with a share of the requests in the log each has one all the same
  if (known === undefined) notes.set(answer, more);
  else Object.assign(known, more);
}

export function noteOf(answer: Response): Readonly<Note> {
  return notes.get(answer) ?? {};
}
