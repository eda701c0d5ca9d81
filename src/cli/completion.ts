import { type Command, command, type Flag, type Flags } from "./command.ts";
import { helpFlag } from "./parse.ts";
import { UsageError } from "./usage-error.ts";

/** A command as a shell completes it. */
interface Completed {
  readonly name: string;
  readonly summary: string;
  readonly choices: readonly string[];
  readonly flags: Flags;
}

const shells: Readonly<Record<string, (commands: readonly Completed[]) => string>> = { bash, zsh, fish };

/** Values that are files, by how the help names them. */
const isFile = ({ value }: Flag): boolean => value === "FILE" || value === "DIR" || value === "FOLDER";

/** `trunkline completion`; `known` are all commands. */
export function completion(known: readonly { readonly summary: string; load(): Promise<Command> }[]): Command {
  return command({
    name: "completion",
    usage: "bash|zsh|fish",
    description: "Prints what makes a shell complete the commands and flags of trunkline.",
    choices: Object.keys(shells),
    flags: {},
    examples: [
      "source <(trunkline completion bash)     # in ~/.bashrc",
      "source <(trunkline completion zsh)      # in ~/.zshrc, after compinit",
      "trunkline completion fish | source      # in ~/.config/fish/config.fish",
    ],
    async run({ positionals, terminal }) {
      const [shell = "", ...more] = positionals;
      if (!Object.hasOwn(shells, shell) || more.length > 0) {
        throw new UsageError("trunkline completion takes the name of a shell: bash, zsh or fish");
      }
      const commands = await Promise.all(
        known.map(async ({ summary, load }) => {
          const { name, choices = [], flags } = await load();
          return { name, summary, choices, flags: { ...flags, ...helpFlag } };
        }),
      );
      await terminal.print(...(shells[shell]?.(commands) ?? "").trimEnd().split("\n"));
      return 0;
    },
  });
}

function bash(commands: readonly Completed[]): string {
  const cases = commands.map(
    ({ name, choices, flags }) => `    ${name}) words="${[...choices, ...longFlags(flags)].join(" ")}" ;;`,
  );
  const files = [...new Set(commands.flatMap(({ flags }) => named(flags, isFile)))];
  return `_trunkline() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} words=""
  case $before in
    ${files.join("|")}) COMPREPLY=($(compgen -f -- "$current")); return ;;
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then words="${commands.map(({ name }) => name).join(" ")} --help --version"; fi
  if [ "$COMP_CWORD" -gt 1 ]; then case \${COMP_WORDS[1]} in
${cases.join("\n")}
  esac; fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _trunkline trunkline
`;
}

function zsh(commands: readonly Completed[]): string {
  const names = commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`);
  const cases = commands.map(({ name, choices, flags }) => {
    const specs = Object.entries(flags).map(([flag, { summary, value, type, ...of }]) => {
      const file = isFile({ type, summary, ...(value !== undefined && { value }) });
      const takes = type === "boolean" ? "" : `:${(value ?? flag).replace(/[^\w-]/g, "")}:${file ? "_files" : ""}`;
      return quoted(`${of.multiple ? "*" : ""}--${flag}[${summary.replace(/[[\]:]/g, "\\$&")}]${takes}`);
    });
    if (choices.length > 0) specs.push(quoted(`1:what:(${choices.join(" ")})`));
    return `    ${name}) _arguments ${specs.join(" ")} ;;`;
  });
  return `#compdef trunkline
_trunkline() {
  local -a commands=(
${names.join("\n")}
  )
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join("\n")}
  esac
}
compdef _trunkline trunkline
`;
}

function fish(commands: readonly Completed[]): string {
  const lines = ["complete -c trunkline -f"];
  for (const { name, summary, choices, flags } of commands) {
    const within = `complete -c trunkline -n '__fish_seen_subcommand_from ${name}'`;
    lines.push(`complete -c trunkline -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`);
    for (const choice of choices) lines.push(`${within} -a ${choice}`);
    for (const [flag, { short, summary: what, type, ...of }] of Object.entries(flags)) {
      const takes = type === "boolean" ? "" : isFile({ type, summary: what, ...of }) ? " -r -F" : " -r -f";
      const shorter = short === undefined ? "" : ` -s ${short}`;
      lines.push(`${within} -l ${flag}${shorter}${takes} -d ${quoted(what)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

function longFlags(flags: Flags): string[] {
  return named(flags, () => true);
}

function named(flags: Flags, which: (flag: Flag) => boolean): string[] {
  return Object.entries<Flag>(flags)
    .filter(([, flag]) => which(flag))
    .map(([flag]) => `--${flag}`);
}

/** In single quotes, as all three shells take them. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "’")}'`;
}
