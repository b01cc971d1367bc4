/** The completion script of fish. */

import type { CommandModel, FlagModel, ValueKind } from "./model.ts";

export function fishScript(commands: readonly CommandModel[]): string {
  const first = commands.map(
    ({ name, description }) =>
      `complete -c mir -f -n __fish_use_subcommand -a ${name} -d ${quoted(description)}`,
  );
  const rest = commands.flatMap(({ name, flags, operand }) => [
    ...(operand?.kind === "file" ? [`complete -c mir -F -n ${seen(name)}`] : []),
    ...(operand?.kind === "word"
      ? [`complete -c mir -f -n ${seen(name)} -a ${quoted(operand.words.join(" "))}`]
      : []),
    ...flags.map((flag) => flagLine(name, flag)),
  ]);
  return `# fish completion of mir; save it as ~/.config/fish/completions/mir.fish, or: mir completions fish | source

function __mir_servers
    set -l words (commandline -opc)
    for i in (seq (count $words))
        switch $words[$i]
            case --topology
                mir completions --servers $words[(math $i + 1)] 2>/dev/null
            case '--topology=*'
                mir completions --servers (string replace -- --topology= '' $words[$i]) 2>/dev/null
        end
    end
end

complete -c mir -f
${[...first, ...rest].join("\n")}
`;
}

function flagLine(command: string, { name, description, value }: FlagModel): string {
  const takes = value === undefined ? "" : filling(value);
  return `complete -c mir -n ${seen(command)} -l ${name} -d ${quoted(description)}${takes}`;
}

function filling(value: ValueKind): string {
  switch (value.kind) {
    case "file":
      return " -r -F";
    case "folder":
      return " -x -a '(__fish_complete_directories)'";
    case "server":
      return " -x -a '(__mir_servers)'";
    case "word":
      return ` -x -a ${quoted(value.words.join(" "))}`;
    default:
      return " -x";
  }
}

function seen(command: string): string {
  return quoted(`__fish_seen_subcommand_from ${command}`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
