/** What is offered to a node: in an order that is the same each time, at a rate that waits for nobody. */

/** Open loop: what is late is made up for. */
export function atRate(perSecond: number, act: () => void): { stop(): void } {
  const start = performance.now();
  let done = 0;
  const timer = setInterval(() => {
    const due = ((performance.now() - start) * perSecond) / 1000;
    for (; done < due; done++) act();
  }, 2);
  return { stop: () => clearInterval(timer) };
}

/** In place, always alike. */
export function shuffled<T>(list: T[]): T[] {
  for (let i = list.length - 1, seed = 7; i > 0; i--) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    const other = seed % (i + 1);
    const [a, b] = [list[i], list[other]];
    if (a === undefined || b === undefined) continue;
    list[i] = b;
    list[other] = a;
  }
  return list;
}
