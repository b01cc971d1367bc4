/** Set-up, build, then `mir demo` with the arguments given. */

import { build } from "./build.ts";
import { setup } from "./setup.ts";

setup();
const executable = await build();
const child = Bun.spawn([executable, "demo", ...process.argv.slice(2)], {
  stdio: ["inherit", "inherit", "inherit"],
});
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => child.kill(signal));
}
process.exit(await child.exited);
