/** promtool, the checker that comes with Prometheus. */

/** undefined where it is not installed. */
export const PROMTOOL: string | undefined = Bun.which("promtool") ?? undefined;

/** What it complains of; "" when it is content. It lints too. */
export async function complaintsAbout(text: string): Promise<string> {
  if (PROMTOOL === undefined) throw new Error("promtool is not installed");
  const child = Bun.spawn([PROMTOOL, "check", "metrics"], {
    stdin: new Blob([text]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [said, complained, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  const told = said + complained;
  return code === 0 || told !== "" ? told : `exit code ${code}`;
}
