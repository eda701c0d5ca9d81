/** What a buf.gen.yaml or a protoc command line may say under `opt`. */
export interface PluginOptions {
  /** How imports of generated files end: `.ts` by default; `.js`, or nothing (`none`). */
  readonly importExtension: string;
  /** True where ts-proto is to be run for the messages too; by default it is a plugin of its own. */
  readonly messages: boolean;
}

/** Each option's values and what they stand for. */
const known = {
  import_extension: { ".ts": ".ts", ".js": ".js", none: "" },
  messages: { none: "", "ts-proto": "ts-proto" },
} as const satisfies Record<string, Readonly<Record<string, string>>>;

type Name = keyof typeof known;

/**
 * Reads the parameter of a plugin: `name=value` pairs with commas between them.
 * @throws TypeError that names the option and says what is known
 */
export function parseOptions(parameter: string): PluginOptions {
  const given = new Map<Name, string>();
  for (const pair of parameter.split(",").filter((text) => text.trim() !== "")) {
    const [name = "", value = ""] = pair.trim().split(/=(.*)/s);
    if (!Object.hasOwn(known, name)) {
      const usage = (Object.keys(known) as Name[]).map((each) => `${each}=${choices(each)}`);
      throw new TypeError(`unknown option "${name}"; known are ${usage.join(" and ")}`);
    }
    const values: Readonly<Record<string, string>> = known[name as Name];
    const meant = Object.hasOwn(values, value) ? values[value] : undefined;
    if (meant === undefined) throw new TypeError(`option ${name}="${value}": give ${choices(name as Name)}`);
    given.set(name as Name, meant);
  }
  return { importExtension: given.get("import_extension") ?? ".ts", messages: given.get("messages") === "ts-proto" };
}

function choices(name: Name): string {
  return Object.keys(known[name]).join("|");
}
