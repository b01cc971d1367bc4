/** HTTP dates (RFC 9110 §5.6.7): one form is written, all three are read. */

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const TIME = "([0-2][0-9]):([0-5][0-9]):([0-6][0-9])";
const MONTH = `(${MONTHS.join("|")})`;
const IMF_FIXDATE = new RegExp(`^[A-Z][a-z]{2}, ([0-3][0-9]) ${MONTH} ([0-9]{4}) ${TIME} GMT$`);
const RFC_850 = new RegExp(`^[A-Z][a-z]{5,8}, ([0-3][0-9])-${MONTH}-([0-9]{2}) ${TIME} GMT$`);
const ASCTIME = new RegExp(`^[A-Z][a-z]{2} ${MONTH} ([ 0-3][0-9]) ${TIME} ([0-9]{4})$`);

/** IMF-fixdate of Unix seconds. */
export function formatHttpDate(seconds: number): string {
  return new Date(seconds * 1000).toUTCString();
}

/** Unix seconds; undefined for anything that is no HTTP date. `nowSeconds` places two-digit years. */
export function parseHttpDate(text: string, nowSeconds: number): number | undefined {
  const fixed = IMF_FIXDATE.exec(text);
  if (fixed !== null) {
    const [, day, month, year, ...time] = fixed;
    return toSeconds({ year: Number(year), month, day, time });
  }
  const old = RFC_850.exec(text);
  if (old !== null) {
    const [, day, month, year, ...time] = old;
    return toSeconds({ year: fullYear(Number(year), nowSeconds), month, day, time });
  }
  const asc = ASCTIME.exec(text);
  if (asc === null) return undefined;
  const [, month, day, hour, minute, second, year] = asc;
  return toSeconds({ year: Number(year), month, day, time: [hour, minute, second] });
}

/** A year that seems more than 50 years in the future is the most recent past one (RFC 9110 §5.6.7). */
function fullYear(twoDigits: number, nowSeconds: number): number {
  const thisYear = new Date(nowSeconds * 1000).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + twoDigits;
  return year > thisYear + 50 ? year - 100 : year;
}

function toSeconds(parts: {
  readonly year: number;
  readonly month: string | undefined;
  readonly day: string | undefined;
  readonly time: readonly (string | undefined)[];
}): number | undefined {
  const { year, month = "", day, time } = parts;
  const [hour, minute, second] = time.map(Number);
  const dayOfMonth = Number(day);
  const date = new Date(Date.UTC(year, MONTHS.indexOf(month), dayOfMonth, hour, minute, second));
  // the 31st of June rolls over into July: no date
  if (date.getUTCDate() !== dayOfMonth || Number(hour) > 23) return undefined;
  return date.getTime() / 1000;
}
