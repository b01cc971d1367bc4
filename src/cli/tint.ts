/** Colours of figures that have limits, in the ways that terminals and tmux want them. */

export type Tone = "good" | "warn" | "bad" | "strong" | "quiet";
export type Tint = (tone: Tone, text: string) => string;

const ANSI: Readonly<Record<Tone, number>> = { good: 32, warn: 33, bad: 31, strong: 1, quiet: 2 };
const TMUX: Readonly<Record<Tone, string>> = {
  good: "fg=green",
  warn: "fg=yellow",
  bad: "fg=red",
  strong: "bold",
  quiet: "dim",
};

export const plainTint: Tint = (_, text) => text;
export const ansiTint: Tint = (tone, text) => `\x1b[${ANSI[tone]}m${text}\x1b[0m`;
/** `#[…]` of tmux status lines; a `#` of the text is doubled, or tmux would read it. */
export const tmuxTint: Tint = (tone, text) =>
  `#[${TMUX[tone]}]${text.replaceAll("#", "##")}#[default]`;

const WARN_FROM = 0.5;
const BAD_FROM = 0.8;

/** Of a share of what there is: spec §10 has it coloured at 50 and 80 %. */
export function toneOfShare(share: number): Tone {
  if (share >= BAD_FROM) return "bad";
  return share >= WARN_FROM ? "warn" : "good";
}
