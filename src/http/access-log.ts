/** A line of the log for each request of a client, for whoever asks for it. */

export interface AccessLine {
  readonly method: string;
  /** With the query, as far as URLs are looked at. */
  readonly path: string;
  readonly status: number;
  /** Of the body, as promised; `-` where it is empty or that of an error. */
  readonly bytes: number | "-";
  /** From the request's arrival to its answer being handed to the network. */
  readonly ms: number;
  /** `Cache-Status` of the answer. */
  readonly outcome: string;
}

export interface AccessLog {
  /** Hears of the body of an answer before the answer is given. */
  promised(answer: Response, bytes: number): void;
  line(answer: Response, line: Omit<AccessLine, "bytes">): void;
}

export function makeAccessLog(write: (line: AccessLine) => void): AccessLog {
  const bodies = new WeakMap<Response, number>();
  return {
    promised: (answer, bytes) => void bodies.set(answer, bytes),
    line: (answer, line) => write({ ...line, bytes: bodies.get(answer) ?? "-" }),
  };
}
