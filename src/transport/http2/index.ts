// Until the balancer and the native wire are in their rooms, the simplest of each.
export { grpcJs as http2 } from "../grpc-js/index.ts";
