/** One load that others join, within one thread: concurrent calls of one key share one promise. */

export interface FlightGroup<T> {
  /** Runs `load` unless a load of `key` is under way; then its result is shared. */
  run(key: string, load: () => Promise<T>): Promise<T>;
  readonly size: number;
}

/** Loads must bound their own time: a group only forgets a key when its load has ended. */
export function makeFlightGroup<T>(): FlightGroup<T> {
  const flying = new Map<string, Promise<T>>();
  return {
    run(key, load) {
      const joined = flying.get(key);
      if (joined !== undefined) return joined;
      const promise = load().finally(() => flying.delete(key));
      flying.set(key, promise);
      return promise;
    },
    get size() {
      return flying.size;
    },
  };
}
