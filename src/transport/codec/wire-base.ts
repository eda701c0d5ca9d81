import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";

/**
 * The stock classes' prototypes without their constructors. Generated code asks `instanceof BinaryReader`, which only
 * looks at prototypes; the stock constructors would set fields and, for `uint32`, shadow the method of a subclass.
 */
function bare(stock: { prototype: object }): unknown {
  function Bare() {}
  Bare.prototype = stock.prototype;
  return Bare;
}

export const WriterBase: new () => BinaryWriter = bare(BinaryWriter) as new () => BinaryWriter;
/** Without its members, since a field of the stock class (`uint32`) is a method of ours. */
export const ReaderBase: new () => object = bare(BinaryReader) as new () => object;
