/** Figures as people read them. */

/** `0`, `0.4`, `12`, `1.2 k`, `3.4 M`. */
export function figure(value: number): string {
  if (value >= 999_500) return `${short(value / 1e6)} M`;
  if (value >= 999.5) return `${short(value / 1e3)} k`;
  return short(value);
}

/** `0 B`, `12 KiB`, `1.5 GiB`. */
export function bytes(value: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let [size, unit] = [value, 0];
  while (size >= 999.5 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${unit === 0 ? Math.round(size) : short(size)} ${units[unit]}`;
}

/** `93.4 %`; a dash where there is none. */
export function percent(part: number | undefined): string {
  return part === undefined ? "–" : `${short(part * 100)} %`;
}

/** `0.08 ms`, `12 ms`, `1.2 s`; a dash where there is none. `mostSeconds`: what it is known to be longer than. */
export function seconds(value: number | undefined, mostSeconds: number): string {
  if (value === undefined) return "–";
  if (value === Number.POSITIVE_INFINITY) return `> ${short(mostSeconds)} s`;
  if (value >= 0.9995) return `${short(value)} s`;
  return `${value < 0.001 ? (value * 1000).toFixed(2) : short(value * 1000)} ms`;
}

/** `0.4 ms`, `12 ms`: between nodes. */
export function away(rttMs: number): string {
  return `${short(rttMs)} ms`;
}

/** `12 s`, `5 min`, `3 h 20 min`, `4 d 2 h`. */
export function duration(value: number): string {
  const minutes = Math.floor(value / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days > 0) return `${days} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  return minutes > 0 ? `${minutes} min` : `${Math.floor(value)} s`;
}

/** At most so many characters, the last one an ellipsis where there are more. */
export function cut(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : `${text.slice(0, Math.max(1, charsMax - 1))}…`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** With a tenth below a hundred, where there is one. */
function short(value: number): string {
  return (value >= 99.95 ? value.toFixed(0) : value.toFixed(1)).replace(/\.0$/, "");
}
