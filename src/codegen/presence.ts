import { create, type DescField, type DescFile, type DescMessage } from "@bufbuild/protobuf";
import {
  Edition,
  FeatureSet_FieldPresence,
  FieldDescriptorProto_Label,
  FieldOptionsSchema,
  OneofDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";

/**
 * Rewrites the descriptors of proto2 and editions as proto3, which is what ts-proto's code is right for: a field with
 * presence is `optional`, undefined while it is unset and sent when it is set, to its default too. The bytes are the same;
 * what proto3 has no word for (`required`, a default) is not the code's to keep.
 */
export function writePresence(files: Iterable<DescFile>): void {
  for (const { proto, edition, messages } of files) {
    if (edition === Edition.EDITION_PROTO3) continue;
    messages.forEach(rewrite);
    proto.syntax = "proto3";
    proto.edition = Edition.EDITION_UNKNOWN;
  }
}

function rewrite(message: DescMessage): void {
  for (const field of message.fields) {
    const { proto } = field;
    proto.defaultValue = "";
    if (proto.label === FieldDescriptorProto_Label.REQUIRED) proto.label = FieldDescriptorProto_Label.OPTIONAL;
    if (field.fieldKind === "list") {
      proto.options ??= create(FieldOptionsSchema);
      proto.options.packed = field.packed;
    }
    if (hasPresence(field)) {
      proto.proto3Optional = true;
      proto.oneofIndex = message.proto.oneofDecl.length;
      message.proto.oneofDecl.push(create(OneofDescriptorProtoSchema, { name: `_${field.name}` }));
    }
  }
  message.nestedMessages.forEach(rewrite);
}

/** True for a number, text, bytes or an enum that may be unset; messages and fields of a oneof need no word for it. */
export function hasPresence(field: DescField): boolean {
  const isPlain = field.fieldKind === "scalar" || field.fieldKind === "enum";
  return isPlain && field.oneof === undefined && field.presence !== FeatureSet_FieldPresence.IMPLICIT;
}
