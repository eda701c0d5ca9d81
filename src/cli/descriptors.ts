import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type DescriptorProtoSchema,
  Edition,
  type EnumDescriptorProtoSchema,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  MethodOptions_IdempotencyLevel,
  type ServiceDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";
import {
  enumeration,
  isEnum,
  isType,
  message,
  nameOf,
  type ProtoRoot,
  type Refer,
  type ReflectionObject,
} from "./message-descriptors.ts";

type Service = ReturnType<ProtoRoot["lookupService"]>;

interface File {
  readonly name: string;
  readonly package: string;
  readonly dependency: Set<string>;
  readonly messageType: MessageInitShape<typeof DescriptorProtoSchema>[];
  readonly enumType: MessageInitShape<typeof EnumDescriptorProtoSchema>[];
  readonly service: MessageInitShape<typeof ServiceDescriptorProtoSchema>[];
}

/**
 * The files that were read, as descriptors. proto-loader's own are no use here: they lose `json_name`, `optional`,
 * proto2 and which file needs which. Every rule is given field by field, over the defaults of edition 2023.
 * @param fileOf the file of a well-known type, by the type's name; protobuf.js knows none
 */
export function describe(root: ProtoRoot, fileOf: (typeName: string) => string | undefined): FileDescriptorProto[] {
  const files = new Map<string, File>();

  function visit(object: ReflectionObject): void {
    if (!isType(object) && !isEnum(object) && !isService(object)) {
      for (const nested of "nestedArray" in object ? (object.nestedArray as ReflectionObject[]) : []) visit(nested);
      return;
    }
    if (object.filename === null) return;
    const file = files.get(object.filename) ?? newFile(object.filename, nameOf(object.parent));
    files.set(file.name, file);
    const refer: Refer = (type, what) => {
      if (type === null) throw new Error(`${file.name}: ${what} is of a type that no file has`);
      const from = type.filename ?? fileOf(nameOf(type));
      if (from !== undefined && from !== file.name) file.dependency.add(from);
      return type.fullName;
    };
    if (isType(object)) file.messageType.push(message(object, refer));
    else if (isEnum(object)) file.enumType.push(enumeration(object));
    else file.service.push(service(object, refer));
  }

  visit(root);
  return [...files.values()].map((file) =>
    create(FileDescriptorProtoSchema, {
      ...file,
      dependency: [...file.dependency],
      syntax: "editions",
      edition: Edition.EDITION_2023,
    }),
  );
}

function newFile(name: string, inPackage: string): File {
  return { name, package: inPackage, dependency: new Set(), messageType: [], enumType: [], service: [] };
}

function service({ name, methodsArray }: Service, refer: Refer): MessageInitShape<typeof ServiceDescriptorProtoSchema> {
  return {
    name,
    method: methodsArray.map((method) => {
      const level = method.options?.idempotency_level as keyof typeof MethodOptions_IdempotencyLevel | undefined;
      return {
        name: method.name,
        inputType: refer(method.resolvedRequestType, `the request of ${method.name}`),
        outputType: refer(method.resolvedResponseType, `the response of ${method.name}`),
        clientStreaming: method.requestStream ?? false,
        serverStreaming: method.responseStream ?? false,
        options: level === undefined ? {} : { idempotencyLevel: MethodOptions_IdempotencyLevel[level] },
      };
    }),
  };
}

function isService(object: ReflectionObject): object is Service {
  return "methodsArray" in object;
}
