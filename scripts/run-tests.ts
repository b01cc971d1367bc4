/** Runs `bun test` and counts what passed, failed and was skipped. */

export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** A test with no time-out of its own fails after this long. */
const TEST_MS = 30_000;

/** Characters of the runner's output that are kept to find its summary in. */
const TAIL_CHARS = 64 * 1024;

export async function runTests(options: {
  readonly cwd: string;
  readonly args: readonly string[];
  /** Where the runner's report goes as it comes, and what the tests themselves print. */
  readonly show: (bytes: Uint8Array) => void;
  readonly stdout: "inherit" | "ignore";
}): Promise<Totals> {
  const child = Bun.spawn([process.execPath, "test", `--timeout=${TEST_MS}`, ...options.args], {
    cwd: options.cwd,
    stdio: ["ignore", options.stdout, "pipe"],
  });
  const tail = await passOn(child.stderr, options.show);
  return totalsOf(tail, await child.exited);
}

/**
 * The numbers of the runner's own last summary: its JUnit report leaves out files that do not load.
 * A run without a summary died, even if a test made it exit with 0, and is one failure; so is a bad
 * exit with none failed.
 */
export function totalsOf(output: string, exitCode: number): Totals {
  const block = /((?:^ *\d+ [a-z]+.*\n)+)Ran \d+ tests? across /gm;
  const lines = [...output.matchAll(block)].at(-1)?.[1];
  if (lines === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const number = (word: string): number =>
    Number(new RegExp(`^ *(\\d+) ${word}$`, "m").exec(lines)?.[1] ?? 0);
  const failed = number("fail");
  return {
    passed: number("pass"),
    failed: exitCode === 0 ? failed : Math.max(1, failed),
    skipped: number("skip") + number("todo"),
  };
}

/** `3 passed, 0 failed`, with the skipped only when there are some. */
export function sentenceOf({ passed, failed, skipped }: Totals): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

/** Shows the stream as it comes and gives back its end. */
async function passOn(
  stream: ReadableStream<Uint8Array>,
  show: (bytes: Uint8Array) => void,
): Promise<string> {
  const decoder = new TextDecoder();
  let tail = "";
  for await (const bytes of stream) {
    show(bytes);
    tail = (tail + decoder.decode(bytes, { stream: true })).slice(-TAIL_CHARS);
  }
  return tail;
}
