/** What a buf.gen.yaml or a protoc command line may say under `opt`. */
export interface PluginOptions {
  /** How imports of generated files end: `.ts` by default; `.js`, or nothing (`none`). ts-proto's `importSuffix` must agree. */
  readonly importExtension: "" | ".js" | ".ts";
}

const extensions: Readonly<Record<string, PluginOptions["importExtension"]>> = { ".js": ".js", ".ts": ".ts", none: "" };

/**
 * Reads the parameter of a plugin: `name=value` pairs with commas between them.
 * @throws TypeError that names the option and says what is known
 */
export function parseOptions(parameter: string): PluginOptions {
  let importExtension: PluginOptions["importExtension"] = ".ts";
  for (const pair of parameter.split(",").filter((text) => text.trim() !== "")) {
    const [name = "", value = ""] = pair.trim().split(/=(.*)/s);
    if (name !== "import_extension") {
      throw new TypeError(`unknown option "${name}"; known is import_extension=.ts|.js|none`);
    }
    const extension = Object.hasOwn(extensions, value) ? extensions[value] : undefined;
    if (extension === undefined) throw new TypeError(`option import_extension="${value}": give .ts, .js or none`);
    importExtension = extension;
  }
  return { importExtension };
}
