/** As `engines` in package.json has it. */
const oldest = [22, 18] as const;

/** @throws Error where this Node is too old, in one sentence and before anything else can go wrong */
export function requireNode(version: string = process.versions.node): void {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return;
  throw new Error(`trunkline needs Node ${oldest.join(".")} or later; this is Node ${version}`);
}
