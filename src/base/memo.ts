/** A bounded memory of computed values, cheap to hit: two generations, the older one dropped whole. */

export interface Memo<T> {
  get(key: string): T | undefined;
  set(key: string, value: T): void;
  readonly size: number;
}

/** Never wrong, as it only holds what a pure function gave; never more than `itemsMax`. */
export function makeMemo<T>(itemsMax: number): Memo<T> {
  const half = Math.max(1, Math.floor(itemsMax / 2));
  let young = new Map<string, T>();
  let old = new Map<string, T>();

  const set = (key: string, value: T): void => {
    if (young.size >= half) {
      old = young;
      young = new Map();
    }
    young.set(key, value);
  };

  return {
    get(key) {
      const recent = young.get(key);
      if (recent !== undefined) return recent;
      const kept = old.get(key);
      if (kept === undefined) return undefined;
      old.delete(key);
      set(key, kept);
      return kept;
    },
    set,
    get size() {
      return young.size + old.size;
    },
  };
}
