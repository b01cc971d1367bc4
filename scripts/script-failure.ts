/** How a script fails: in a sentence on standard error, with exit code 1. */

/** Something the person at the terminal can mend; its message is all they need to see. */
export class ScriptFailure extends Error {
  override readonly name = "ScriptFailure";
}

/** Runs a script's main part; the process ends with the code it returns. */
export async function runScript(main: () => Promise<number>): Promise<never> {
  process.exit(await main().catch(tell));
}

/** Says what went wrong and gives the exit code; a mistake of ours brings its stack along. */
export function tell(error: unknown): number {
  console.error(error instanceof ScriptFailure ? error.message : error);
  return 1;
}
