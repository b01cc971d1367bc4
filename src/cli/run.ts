/** The command line: finds the command, runs it, and turns how it ended into an exit code (spec §10). */

import { type ArgsDef, type CommandDef, defineCommand, renderUsage, runCommand } from "citty";
import { Fault } from "../base/fault.ts";
import { version } from "../base/version.ts";
import { benchCommand } from "./bench.ts";
import { checkCommand } from "./check.ts";
import { type CommandModel, commandModel } from "./completions/model.ts";
import { makeCompletionsCommand } from "./completions.ts";
import { demoCommand } from "./demo.ts";
import { noticeCommand } from "./notice.ts";
import { terminal } from "./output.ts";
import { purgeCommand } from "./purge.ts";
import { readyCommand } from "./ready.ts";
import { rebalanceCommand } from "./rebalance.ts";
import { serveCommand } from "./serve.ts";
import { statusCommand } from "./status.ts";
import { statuslineCommand } from "./statusline.ts";
import { topCommand } from "./top.ts";
import { uploadCommand } from "./upload.ts";
import { refuseFlags, refuseWords, UsageError, withValues } from "./usage.ts";
import { warmCommand } from "./warm.ts";
import { whyCommand } from "./why.ts";

/** A command behind one face, whatever its flags are. */
interface Command {
  readonly description: string;
  readonly args: ArgsDef;
  run(rawArgs: string[]): Promise<unknown>;
  usage(): Promise<string>;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  demo: command(demoCommand),
  serve: command(serveCommand),
  check: command(checkCommand),
  ready: command(readyCommand),
  status: command(statusCommand),
  top: command(topCommand),
  why: command(whyCommand),
  statusline: command(statuslineCommand),
  warm: command(warmCommand),
  bench: command(benchCommand),
  upload: command(uploadCommand),
  rebalance: command(rebalanceCommand),
  purge: command(purgeCommand),
  notice: command(noticeCommand),
  completions: command(makeCompletionsCommand(models)),
};

function models(): readonly CommandModel[] {
  return Object.entries(COMMANDS).map(([name, { description, args }]) =>
    commandModel({ name, description, args }),
  );
}

const root = defineCommand({
  meta: {
    name: "mir",
    version,
    description:
      "mesh image router: stores, routes, resizes and streams the pictures of a photo site",
  },
  subCommands: Object.fromEntries(
    Object.entries(COMMANDS).map(([name, { description }]) => [name, { meta: { description } }]),
  ),
});

function command<T extends ArgsDef>(def: CommandDef<T>): Command {
  return {
    description: descriptionOf(def),
    args: flagsOf(def),
    run(rawArgs) {
      // before anything else: a misspelt flag that is required would only be told to be missing
      refuseFlags(rawArgs, flagsOf(def));
      const args = withValues(rawArgs);
      refuseWords(nameOf(def), args, flagsOf(def));
      return runCommand(def, { rawArgs: args });
    },
    usage: () => usageOf(def, { meta: { name: "mir" } }),
  };
}

/** Ours are all plain tables; citty would also take a promise or a function. */
function flagsOf<T extends ArgsDef>({ args }: CommandDef<T>): ArgsDef {
  return typeof args === "object" && !("then" in args) ? args : {};
}

function nameOf<T extends ArgsDef>({ meta }: CommandDef<T>): string {
  return typeof meta === "object" && "name" in meta ? (meta.name ?? "") : "";
}

function descriptionOf<T extends ArgsDef>({ meta }: CommandDef<T>): string {
  return typeof meta === "object" && "description" in meta ? (meta.description ?? "") : "";
}

/** citty colours it for whatever reads it. */
async function usageOf<T extends ArgsDef>(
  ...usage: Parameters<typeof renderUsage<T>>
): Promise<string> {
  const text = await renderUsage(...usage);
  return terminal.colour ? text : Bun.stripANSI(text);
}

/** 0 done, 1 failed, 2 wrong usage. */
export async function runCli(argv: readonly string[]): Promise<void> {
  const [first = "", ...others] = argv;
  const asksOf = first === "help" && others[0] !== undefined && !others[0].startsWith("-");
  // `mir help serve` is `mir serve --help`
  const [name = "", ...rest] = asksOf ? [...others, "--help"] : argv;
  if (name === "--version" || name === "-v" || name === "version") {
    terminal.say(`mir ${version}`);
    return;
  }
  const asksHelp = name === "" || name === "--help" || name === "-h" || name === "help";
  if (asksHelp) {
    terminal.say(await usageOf(root));
    process.exitCode = name === "" ? 2 : 0;
    return;
  }
  const chosen = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (chosen === undefined) {
    terminal.complain(
      `mir: there is no command ${name}; commands: ${Object.keys(COMMANDS).join(", ")}`,
    );
    process.exitCode = 2;
    return;
  }
  if (rest.includes("--help") || rest.includes("-h")) {
    terminal.say(await chosen.usage());
    return;
  }
  try {
    await chosen.run(rest);
  } catch (error) {
    // at once: a part that was left open must not keep a failed process alive
    process.exit(complain(error, name));
  }
}

function complain(error: unknown, name: string): number {
  if (error instanceof UsageError || (error instanceof Error && error.name === "CLIError")) {
    terminal.complain(`mir: ${error.message}`);
    terminal.complain(`see mir ${name} --help`);
    return 2;
  }
  if (error instanceof Fault) {
    const cause = error.cause instanceof Error ? `: ${error.cause.message}` : "";
    terminal.complain(`mir: ${error.message}${cause}`);
    return 1;
  }
  terminal.complain(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return 1;
}
