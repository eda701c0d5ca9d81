import { isObject } from "./json-object.ts";
import { checkKind, type OptionKind } from "./option-kinds.ts";

const generated: OptionKind = {
  fits: (value) =>
    isObject(value) &&
    typeof value.name === "string" &&
    isObject(value.methods) &&
    Object.values(value.methods).every((method) => isObject(method) && typeof method.path === "string"),
  remedy: "give a generated service, such as Greeter",
};

/** @throws TypeError that says whose service it is, what was given and what to give */
export function checkService(value: unknown, of: string): void {
  checkKind(`the service of ${of}`, value, generated);
}
