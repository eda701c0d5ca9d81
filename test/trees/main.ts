// Makes code of contracts that others wrote, compiles it and sends each of its messages through its codec, and prints one
// table: npm run test:trees -- --help
import { parseArgs } from "node:util";
import { repository } from "../support/program.ts";
import { installTypeScripts } from "../support/typescripts.ts";
import { checked, type Row } from "./row.ts";
import { plainTable } from "./table.ts";
import { trees } from "./trees.ts";

const usage = `npm run test:trees -- [options]

Fetches contracts that others wrote by the clients of Go, npm and Maven, and holds the generated code to them.

  --only NAME,...   only these: ${trees.map(({ name }) => name).join(", ")}
  --help            this text
`;

process.chdir(repository);
const { values } = parseArgs({ options: { only: { type: "string" }, help: { type: "boolean" } } });
const only = values.only?.split(",");
const unknown = only?.find((name) => trees.every((tree) => tree.name !== name));
if (values.help) {
  process.stdout.write(usage);
} else if (unknown !== undefined) {
  process.stderr.write(`there is no tree "${unknown}"\n\n${usage}`);
  process.exitCode = 2;
} else {
  const typeScripts = await installTypeScripts();
  const rows: Row[] = [];
  try {
    for (const tree of trees.filter(({ name }) => only?.includes(name) ?? true)) {
      process.stderr.write(`${tree.name}\n`);
      rows.push(await checked(tree, typeScripts, (text) => process.stderr.write(`  ${text}\n`)));
    }
  } finally {
    typeScripts.remove();
  }
  const failed = rows.filter(({ failures }) => failures.length > 0).length;
  process.stdout.write(`\n${plainTable(rows)}\n\n${rows.length - failed} passed, ${failed} failed\n`);
  if (failed > 0) process.exitCode = 1;
}
