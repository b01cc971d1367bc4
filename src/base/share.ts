/** A part of many as people write it: `off`, `all`, `1%`, `1/100`. */

export const SHARE_EXPECTED = '"off", "all", a share such as "1%" or one such as "1/100"';

/** From 0 to 1; undefined for what is none of these. */
export function parseShare(text: string): number | undefined {
  if (text === "off") return 0;
  if (text === "all") return 1;
  const percent = /^([0-9]{1,3}(?:\.[0-9]{1,4})?)%$/.exec(text);
  const of = /^1\/([1-9][0-9]{0,8})$/.exec(text);
  const share = percent === null ? 1 / Number(of?.[1]) : Number(percent[1]) / 100;
  return share >= 0 && share <= 1 ? share : undefined;
}
