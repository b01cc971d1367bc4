/** Awaiting a condition instead of sleeping. */

const LIMIT_MS = 20_000;
/** What has not come true by then is not asked for on every turn any more: it would take a core from the nodes. */
const EAGER_MS = 1_000;
const LATER_MS = 10;

/** Resolves once `condition` holds; asks again on every turn of the event loop; throws after `limitMs`. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what = "",
  limitMs = LIMIT_MS,
): Promise<void> {
  const start = performance.now();
  while (!(await condition())) {
    const spentMs = performance.now() - start;
    if (spentMs > limitMs) throw new Error(`never came true: ${what || condition}`);
    if (spentMs > EAGER_MS) await Bun.sleep(LATER_MS);
    else await new Promise((resolve) => setImmediate(resolve));
  }
}
