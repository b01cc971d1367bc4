/** Colour on a terminal that wants it, plain text elsewhere. */

export interface Paint {
  strong(text: string): string;
  quiet(text: string): string;
  good(text: string): string;
  bad(text: string): string;
  /** An outcome in its colour; other text as it is. */
  source(text: string): string;
}

const CODES = {
  strong: 1,
  quiet: 2,
  red: 31,
  green: 32,
  yellow: 33,
  blue: 34,
  magenta: 35,
  cyan: 36,
};

const SOURCE_CODES: Readonly<Record<string, number>> = {
  hit: CODES.green,
  peer: CODES.cyan,
  generated: CODES.yellow,
  upstream: CODES.blue,
  origin: CODES.magenta,
  "stand-in": CODES.yellow,
  refused: CODES.red,
  failed: CODES.red,
};

export function makePaint(colour: boolean): Paint {
  const inCode = (code: number) => (text: string) =>
    colour ? `\x1b[${code}m${text}\x1b[0m` : text;
  return {
    strong: inCode(CODES.strong),
    quiet: inCode(CODES.quiet),
    good: inCode(CODES.green),
    bad: inCode(CODES.red),
    source(text) {
      const code = SOURCE_CODES[text];
      return code === undefined ? text : inCode(code)(text);
    },
  };
}
