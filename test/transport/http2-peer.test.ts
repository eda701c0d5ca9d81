import { grpcJs } from "../../src/transport/grpc-js/index.ts";
import { http2 } from "../../src/transport/http2/index.ts";
import { http2PeerContract } from "../contract/http2-peer.ts";

http2PeerContract("our http2", () => ({ transport: http2() }));
http2PeerContract("our grpc-js", () => ({ transport: grpcJs() }));
