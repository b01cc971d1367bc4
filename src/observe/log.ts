/** Events for people and machines, on standard error; one line each. */

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

export type LogFields = Readonly<Record<string, unknown>>;

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** `write` gets whole lines; errors among the fields are shown with their message and cause. */
export function makeLog(options: {
  readonly node: string;
  readonly level: LogLevel;
  readonly json: boolean;
  readonly write: (line: string) => void;
}): Log {
  const emit =
    (level: LogLevel) =>
    (event: string, fields: LogFields = {}) => {
      if (RANK[level] < RANK[options.level]) return;
      const time = new Date().toISOString();
      const shown = Object.fromEntries(
        Object.entries(fields).map(([key, value]) => [key, show(value)]),
      );
      options.write(
        options.json
          ? `${JSON.stringify({ time, level, node: options.node, event, ...shown })}\n`
          : `${time} ${level.padEnd(5)} ${options.node} ${event}${asPairs(shown)}\n`,
      );
    };
  return { debug: emit("debug"), info: emit("info"), warn: emit("warn"), error: emit("error") };
}

/** A log that drops everything; for tests and tools. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

function show(value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const cause = value.cause === undefined ? "" : ` (cause: ${String(show(value.cause))})`;
  return `${value.message}${cause}`;
}

/** Without quotes or brackets in JSON; what JSON has no word for is told as it is, but for `undefined`: no field. */
function isPlain(value: unknown): boolean {
  return value === null || (typeof value !== "string" && typeof value !== "object");
}

function asPairs(fields: Readonly<Record<string, unknown>>): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${isPlain(value) ? String(value) : JSON.stringify(value)}`)
    .join("");
}
