/** Figures as people read them: times, shares, ages. */

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `12s`, `4m`, `3h12m`, `5d3h`: the two largest units. */
export function formatSpan(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < MINUTE) return `${whole}s`;
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)}m`;
  if (whole < DAY) {
    const minutes = Math.floor((whole % HOUR) / MINUTE);
    return `${Math.floor(whole / HOUR)}h${String(minutes).padStart(2, "0")}m`;
  }
  return `${Math.floor(whole / DAY)}d${Math.floor((whole % DAY) / HOUR)}h`;
}

/** `0.4 ms`, `12 ms`, `1.3 s`. */
export function formatMs(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms)} ms`;
}

/** `0`, `0.4`, `12`, `4.3k`, `1.2M`. */
export function formatCount(count: number): string {
  if (count >= 999_950) return `${(count / 1e6).toFixed(1)}M`;
  if (count >= 9_999.5) return `${(count / 1e3).toFixed(1)}k`;
  return count >= 10 || Number.isInteger(count) ? String(Math.round(count)) : count.toFixed(1);
}

/** `87 %`; a dash for what is not known. */
export function formatShare(share: number | undefined): string {
  return share === undefined || Number.isNaN(share) ? "–" : `${Math.floor(share * 100)} %`;
}
