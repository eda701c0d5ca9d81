import {
  type BidiStreaming,
  bidiStreaming,
  defineService,
  type ServerStreaming,
  type Service,
  serverStreaming,
  type Unary,
  unary,
} from "../src/core/contract.ts";
import { Blob, DownloadRequest, Order, Text } from "./gen/bench/v1/bench.ts";

/** proto/bench/v1/bench.proto as Trunkline's generator writes it, but for where it imports from. */
export const Bench: Service<{
  hello: Unary<Text, Text, "NO_SIDE_EFFECTS">;
  work: Unary<Text, Text>;
  park: Unary<Text, Text>;
  release: Unary<Text, Text>;
  place: Unary<Order, Order>;
  echo: Unary<Blob, Blob>;
  download: ServerStreaming<DownloadRequest, Blob>;
  chat: BidiStreaming<Text, Text>;
}> = defineService("bench.v1.Bench", {
  hello: unary("Hello", Text, Text, { idempotency: "NO_SIDE_EFFECTS" }),
  work: unary("Work", Text, Text),
  park: unary("Park", Text, Text),
  release: unary("Release", Text, Text),
  place: unary("Place", Order, Order),
  echo: unary("Echo", Blob, Blob),
  download: serverStreaming("Download", DownloadRequest, Blob),
  chat: bidiStreaming("Chat", Text, Text),
});
