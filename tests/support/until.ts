/** Awaiting a condition instead of sleeping. */

const LIMIT_MS = 20_000;

/** Resolves once `condition` holds; asks again on every turn of the event loop; throws after 20 s. */
export async function until(condition: () => boolean | Promise<boolean>, what = ""): Promise<void> {
  const start = performance.now();
  while (!(await condition())) {
    if (performance.now() - start > LIMIT_MS)
      throw new Error(`never came true: ${what || condition}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
