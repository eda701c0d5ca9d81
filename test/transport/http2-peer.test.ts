import { grpcJs } from "../../src/transport/grpc-js/index.ts";
import { http2PeerContract } from "../contract/http2-peer.ts";
import { grpcJsAbilities } from "../support/grpc-js-abilities.ts";

http2PeerContract("our grpc-js", () => ({ transport: grpcJs() }), grpcJsAbilities);
