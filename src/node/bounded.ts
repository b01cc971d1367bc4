/** Waiting for something no longer than a deadline. */

/** Whether the work ended in time. It goes on when it did not; its failure is passed on when it did. */
export async function bounded(work: Promise<unknown>, waitMs: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), waitMs);
  try {
    return await Promise.race([work.then(() => true), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
