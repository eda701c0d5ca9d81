import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type DescriptorProtoSchema,
  type EnumDescriptorProtoSchema,
  FeatureSet_EnumType,
  FeatureSet_FieldPresence,
  FeatureSet_MessageEncoding,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  type FieldDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import type { loadProtosWithOptionsSync } from "@grpc/proto-loader/build/src/util.js";

/** What `@grpc/proto-loader` reads a `.proto` into: protobuf.js's objects. */
export type ProtoRoot = ReturnType<typeof loadProtosWithOptionsSync>;
export type ReflectionObject = ProtoRoot["nestedArray"][number];

type Type = ReturnType<ProtoRoot["lookupType"]>;
type Enum = ReturnType<ProtoRoot["lookupEnum"]>;
type Field = Type["fieldsArray"][number];

/** Gives the name by which a descriptor refers to a type. `what` names who refers to it, for the error. */
export type Refer = (type: ReflectionObject | null, what: string) => string;

/** A message's descriptor, with those nested in it. */
export function message(type: Type, refer: Refer): MessageInitShape<typeof DescriptorProtoSchema> {
  // An `optional` of proto3 is a oneof of its own to protobuf.js; the descriptor has a feature for it.
  const oneofs = type.oneofsArray.filter((oneof) => !oneof.isProto3Optional);
  const fields = type.fieldsArray.filter(({ declaringField }) => declaringField === null);
  return {
    name: type.name,
    field: fields.map((each) => ({
      ...field(each, refer),
      ...(each.partOf !== null && oneofs.includes(each.partOf) && { oneofIndex: oneofs.indexOf(each.partOf) }),
    })),
    oneofDecl: oneofs.map(({ name }) => ({ name })),
    nestedType: [...type.nestedArray.filter(isType).map((each) => message(each, refer)), ...entries(fields, refer)],
    enumType: type.nestedArray.filter(isEnum).map(enumeration),
  };
}

function field(each: Field, refer: Refer): MessageInitShape<typeof FieldDescriptorProtoSchema> {
  const { name, id: number, repeated, required, map } = each;
  const jsonName = (each.options?.json_name as string | undefined) ?? camelCase(name);
  if (map) {
    const entry = `${nameOf(each.parent)}.${entryName(name)}`;
    const { MESSAGE: type } = FieldDescriptorProto_Type;
    return { name, number, jsonName, label: FieldDescriptorProto_Label.REPEATED, type, typeName: `.${entry}` };
  }
  const label = repeated ? "REPEATED" : required ? "REQUIRED" : "OPTIONAL";
  const features = {
    ...(!each.hasPresence && !repeated && { fieldPresence: FeatureSet_FieldPresence.IMPLICIT }),
    ...(each.delimited && { messageEncoding: FeatureSet_MessageEncoding.DELIMITED }),
  };
  const options = { features, ...(repeated && { packed: each.packed }) };
  const type = typeOf(each.type, each.resolvedType, name, refer);
  return { name, number, jsonName, label: FieldDescriptorProto_Label[label], options, ...type };
}

/** A map is a repeated message of a key and a value. */
function entries(fields: readonly Field[], refer: Refer): MessageInitShape<typeof DescriptorProtoSchema>[] {
  return fields.flatMap((each) => {
    if (!("keyType" in each)) return [];
    const { OPTIONAL: label } = FieldDescriptorProto_Label;
    const key = { name: "key", number: 1, label, ...typeOf(each.keyType as string, null, each.name, refer) };
    const value = { name: "value", number: 2, label, ...typeOf(each.type, each.resolvedType, each.name, refer) };
    return { name: entryName(each.name), field: [key, value], options: { mapEntry: true } };
  });
}

function typeOf(name: string, resolved: ReflectionObject | null, what: string, refer: Refer) {
  const scalar = FieldDescriptorProto_Type[name.toUpperCase() as keyof typeof FieldDescriptorProto_Type];
  if (resolved === null && scalar !== undefined) return { type: scalar };
  const { ENUM, MESSAGE } = FieldDescriptorProto_Type;
  return { type: resolved !== null && isEnum(resolved) ? ENUM : MESSAGE, typeName: refer(resolved, what) };
}

/** An enum's descriptor. */
export function enumeration(each: Enum): MessageInitShape<typeof EnumDescriptorProtoSchema> {
  const value = Object.entries(each.values).map(([name, number]) => ({ name, number }));
  const closed = (each as unknown as { _features: { enum_type?: string } })._features.enum_type === "CLOSED";
  const features = { enumType: closed ? FeatureSet_EnumType.CLOSED : FeatureSet_EnumType.OPEN };
  return { name: each.name, value, options: { features } };
}

export function isType(object: ReflectionObject): object is Type {
  return "fieldsArray" in object;
}

export function isEnum(object: ReflectionObject): object is Enum {
  return "valuesById" in object;
}

/** Without the dot that protobuf.js puts in front. */
export function nameOf(object: { readonly fullName: string } | null): string {
  return object?.fullName.slice(1) ?? "";
}

/** As protoc names what carries a map's field. */
function entryName(field: string): string {
  const name = camelCase(field);
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}Entry`;
}

/** protoc's rule for the JSON name of a field: an underscore is dropped, and the letter behind it becomes upper case. */
function camelCase(name: string): string {
  return name.replace(/_+(.?)/g, (_, letter: string) => letter.toUpperCase());
}
