/** Set-up and build, then becomes `mir demo` with the arguments given. */

import { build } from "./build.ts";
import { runScript, ScriptFailure } from "./script-failure.ts";
import { setup } from "./setup.ts";

await runScript(async () => {
  setup();
  const executable = build();
  // In place of this process, so that terminal, signals and exit code are the demo's own: a second
  // process would hand on a Ctrl-C that the terminal has delivered to both, and two end it at once.
  process.execve?.(executable, [executable, "demo", ...process.argv.slice(2)], process.env);
  throw new ScriptFailure(`${executable} could not be started`);
});
