import { policyDiff } from "../core/policy-diff.ts";
import type { PolicyRevision } from "../core/policy-source.ts";

/** A policy as it is, for a person. */
export function policyText(revision: PolicyRevision): string[] {
  const fields = Object.entries(policyDiff({}, revision.policy)).map(([field, change]) => [field, change.slice(5)]);
  return [`${revision.service}: ${headOf(revision)}`, ...rows(fields as [string, string][])];
}

/** What a change did, for a person. */
export function changeText(before: PolicyRevision | undefined, after: PolicyRevision): string[] {
  const changes = Object.entries(policyDiff(before?.policy ?? {}, after.policy));
  const lines = changes.length === 0 ? ["  nothing is another"] : rows(changes);
  return [`${after.service}: ${headOf(after)}`, ...lines];
}

/** What changes did, the newest first; each beside the one before it. */
export function historyText(history: readonly PolicyRevision[]): string[] {
  return history.flatMap((each, i) => changeText(history[i + 1], each));
}

function headOf({ revision, by, at, note }: PolicyRevision): string {
  const who = by === "" ? "by hand" : `by ${by}`;
  return `revision ${revision}, ${who}${at === "" ? "" : `, ${at}`}${note === "" ? "" : `: ${note}`}`;
}

function rows(fields: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(0, ...fields.map(([field]) => field.length));
  return fields.map(([field, value]) => `  ${field.padEnd(width)}  ${value}`);
}
