/** The completion script of zsh. */

import type { CommandModel, FlagModel, ValueKind } from "./model.ts";

export function zshScript(commands: readonly CommandModel[]): string {
  const list = commands.map(
    ({ name, description }) => `    ${quoted(`${name}:${description.replaceAll(":", "\\:")}`)}`,
  );
  return `#compdef mir
# zsh completion of mir; save it as _mir in a folder of $fpath, or load it with: source <(mir completions zsh)

_mir_servers() {
  local i file=""
  for ((i = 1; i < $#words; i++)); do
    case \${words[i]} in
      --topology) file=\${words[i+1]} ;;
      --topology=*) file=\${words[i]#--topology=} ;;
    esac
  done
  [[ -n $file ]] || return
  local -a names
  names=(\${(f)"$(_call_program servers mir completions --servers \${(q)file/#~/$HOME} 2>/dev/null)"})
  compadd -a names
}

_mir() {
  local -a commands
  commands=(
${list.join("\n")}
  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
${commands.map(commandCase).join("\n")}
  esac
}

if [[ $funcstack[1] == _mir ]]; then _mir "$@"; else compdef _mir mir; fi
`;
}

function commandCase({ name, flags, operand }: CommandModel): string {
  const rest = operand === undefined ? [] : [`'*:${name}:${filling(operand)}'`];
  const specs = [...flags.map(flagSpec), ...rest].map((spec) => `        ${spec}`);
  return `    ${name})\n      _arguments \\\n${specs.join(" \\\n")}\n      ;;`;
}

function flagSpec({ name, description, value }: FlagModel): string {
  const about = description.replace(/[[\]:]/g, "\\$&");
  return value === undefined
    ? quoted(`--${name}[${about}]`)
    : quoted(`--${name}=[${about}]:${name}:${filling(value)}`);
}

function filling(value: ValueKind): string {
  switch (value.kind) {
    case "file":
      return "_files";
    case "folder":
      return "_files -/";
    case "server":
      return "_mir_servers";
    case "word":
      return `(${value.words.join(" ")})`;
    default:
      return " ";
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
