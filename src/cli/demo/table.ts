/** Text in columns. */

export interface Column {
  readonly head: string;
  /** Numbers stand at the right. */
  readonly right: boolean;
}

/** `decorate` adds what takes no room on a terminal: colour. */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  decorate: (text: string, column: number) => string = (text) => text,
): string {
  const heads = columns.map(({ head }) => head);
  const widths = columns.map((_, i) =>
    Math.max(...[heads, ...rows].map((row) => widthOf(row[i] ?? ""))),
  );
  const line = (cells: readonly string[], painted: boolean): string =>
    columns
      .map(({ right }, i) => {
        const text = cells[i] ?? "";
        const space = " ".repeat(Math.max(0, (widths[i] ?? 0) - widthOf(text)));
        const shown = painted ? decorate(text, i) : text;
        return right ? space + shown : shown + space;
      })
      .join("  ")
      .trimEnd();
  const rule = widths.map((width) => "─".repeat(width)).join("  ");
  return [line(heads, false), rule, ...rows.map((row) => line(row, true))].join("\n");
}

function widthOf(text: string): number {
  return Bun.stringWidth(text);
}
