import { grpcJs } from "../../src/transport/grpc-js/index.ts";
import { http2 } from "../../src/transport/http2/index.ts";
import { memoryTransport } from "../../src/transport/memory.ts";
import { channelContract } from "../contract/channel.ts";

channelContract("http2", http2);
channelContract("grpc-js", grpcJs);
channelContract("memory", memoryTransport);
