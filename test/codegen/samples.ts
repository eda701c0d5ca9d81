import { create, type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";

type Plain = string | number | bigint | boolean | Uint8Array;

/** How deep a message is filled that holds itself. */
const depth = 2;

/** Messages in which every field is set to what is not its default; as many as the largest oneof has cases. */
export function samples(schema: DescMessage): Message[] {
  const cases = Math.max(1, ...schema.oneofs.map(({ fields }) => fields.length));
  return Array.from({ length: cases }, (_, i) => sample(schema, i, depth));
}

function sample(schema: DescMessage, variant: number, levels: number): Message {
  const message = reflect(schema, create(schema));
  for (const field of schema.fields) {
    const { oneof } = field;
    if (oneof !== undefined && oneof.fields[variant % oneof.fields.length] !== field) continue;
    fill(message, field, variant, levels);
  }
  return message.message;
}

function fill(message: ReflectMessage, field: DescField, variant: number, levels: number): void {
  const nested = (of: DescMessage) => reflect(of, sample(of, variant, levels - 1));
  if (field.message !== undefined && (levels === 0 || !hasJson(field.message))) return;
  switch (field.fieldKind) {
    case "message":
      message.set(field, nested(field.message));
      break;
    case "list":
      message.get(field).add(field.message === undefined ? plain(field) : nested(field.message));
      break;
    case "map":
      message.get(field).set(scalar(field.mapKey), field.message === undefined ? plain(field) : nested(field.message));
      break;
    default:
      message.set(field, plain(field));
  }
}

/** A sample of these has no form in JSON, since what it means depends on more than its fields' types. */
export function hasJson({ typeName }: { readonly typeName: string }): boolean {
  return !/^google\.protobuf\.(Any|Timestamp|Duration|FieldMask|Value|Struct|ListValue)$/.test(typeName);
}

function plain(field: DescField): Plain {
  if (field.enum !== undefined) return field.enum.values.at(-1)?.number ?? 0;
  return scalar(field.scalar ?? ScalarType.INT32);
}

function scalar(type: ScalarType): Plain {
  switch (type) {
    case ScalarType.STRING:
      return "text";
    case ScalarType.BYTES:
      return new Uint8Array([1, 2]);
    case ScalarType.BOOL:
      return true;
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.SINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return 7n;
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return 1.5;
    default:
      return 7;
  }
}
