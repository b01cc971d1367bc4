/** The completion script of bash. */

import type { CommandModel, ValueKind } from "./model.ts";

export function bashScript(commands: readonly CommandModel[]): string {
  const names = commands.map(({ name }) => name).join(" ");
  return `# bash completion of mir; load it with: source <(mir completions bash)

_mir_topology() {
  local i
  for ((i = 1; i < \${#COMP_WORDS[@]} - 1; i++)); do
    [[ \${COMP_WORDS[i]} == --topology ]] || continue
    [[ \${COMP_WORDS[i + 1]} == = ]] && ((i++))
    printf '%s' "\${COMP_WORDS[i + 1]}"
    return
  done
}

# a tilde is for the shell to expand, which it does not here
_mir_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur"); }
_mir_files() { compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); }
_mir_folders() { compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$cur"); }
_mir_servers() {
  local file
  file=$(_mir_topology)
  [[ -n $file ]] && _mir_words "$("\${COMP_WORDS[0]}" completions --servers "\${file/#\\~/$HOME}" 2>/dev/null)"
}

_mir() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} command=\${COMP_WORDS[1]}
  COMPREPLY=()
  # --flag=value comes as three words
  if [[ $cur == = ]]; then cur=""; elif [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  if ((COMP_CWORD == 1)); then
    _mir_words "${names} --help --version"
    return
  fi
  case "$command $prev" in
${commands.flatMap(valueCases).join("\n")}
  esac
  case "$command" in
${commands.map(commandCase).join("\n")}
  esac
}

complete -F _mir mir
`;
}

function valueCases({ name, flags }: CommandModel): string[] {
  return flags.flatMap(({ name: flag, value }) =>
    value === undefined ? [] : [`    "${name} --${flag}") ${filling(value)}; return ;;`],
  );
}

function commandCase({ name, flags, operand }: CommandModel): string {
  const words = flags.map((flag) => `--${flag.name}`).join(" ");
  const rest = operand === undefined ? ":" : filling(operand);
  return `    ${name}) if [[ $cur == -* ]]; then _mir_words "${words}"; else ${rest}; fi ;;`;
}

function filling(value: ValueKind): string {
  switch (value.kind) {
    case "file":
      return "_mir_files";
    case "folder":
      return "_mir_folders";
    case "server":
      return "_mir_servers";
    case "word":
      return `_mir_words "${value.words.join(" ")}"`;
    default:
      return ":";
  }
}
