import { memoryTransport } from "../../src/transport/memory.ts";
import { transportContract } from "../contract/transport.ts";

transportContract(
  "memory",
  () => {
    const transport = memoryTransport();
    return { transport, disconnect: transport.disconnect };
  },
  {
    sockets: false,
    tls: false,
    compressedRequests: false,
    compressedReplies: false,
    separateTextValues: true,
    messagesBeforeErrors: true,
  },
);
