/** As much of parse-prometheus-text-format, which ships no types, as the tests use. */

declare module "parse-prometheus-text-format" {
  interface Family {
    readonly name: string;
    readonly help: string;
    readonly type: string;
    readonly metrics: readonly Readonly<Record<string, unknown>>[];
  }
  const parse: (text: string) => readonly Family[];
  export = parse;
}
