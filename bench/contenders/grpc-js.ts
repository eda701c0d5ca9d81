import { once } from "node:events";
import {
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  makeGenericClientConstructor,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  type sendUnaryData,
} from "@grpc/grpc-js";
import type { Caller, Contender } from "../contender.ts";
import type { Blob, DownloadRequest, Order, Text } from "../gen/bench/v1/bench.ts";
import { blob, greet, order, park, release, work } from "../workload.ts";
import { Bench } from "./grpc-js-contract.ts";

type Unary<I, O = I> = (call: ServerUnaryCall<I, O>, answer: sendUnaryData<O>) => void;

const hello: Unary<Text> = ({ request }, answer) => answer(null, { text: greet(request.text) });
const slow: Unary<Text> = ({ request }, answer) => void work().then(() => answer(null, { text: greet(request.text) }));
const parked: Unary<Text> = ({ request }, answer) => void park().then(() => answer(null, request));
const released: Unary<Text> = ({ request }, answer) => {
  release();
  answer(null, request);
};
const same: Unary<any> = ({ request }, answer) => answer(null, request);

async function download(call: ServerWritableStream<DownloadRequest, Blob>): Promise<void> {
  const { count, size } = call.request;
  for (let i = 0; i < count; i++) if (!call.write({ data: blob(size) })) await once(call, "drain");
  call.end();
}

function chat(call: ServerDuplexStream<Text, Text>): void {
  call.on("data", (text) => call.write(text));
  call.on("end", () => call.end());
}

const BenchClient = makeGenericClientConstructor(Bench, "Bench");

/** A channel has connections of its own; under TLS, Node verifies no server by an IP address that is sent to it. */
export const channelOptions = { "grpc.use_local_subchannel_pool": 1, "grpc.ssl_target_name_override": "localhost" };

type CallUnary<I, O> = (request: I, answer: (error: ServiceError | null, reply: O) => void) => void;

interface Methods {
  hello: CallUnary<Text, Text>;
  work: CallUnary<Text, Text>;
  park: CallUnary<Text, Text>;
  release: CallUnary<Text, Text>;
  place: CallUnary<Order, Order>;
  echo: CallUnary<Blob, Blob>;
  download(request: DownloadRequest): ClientReadableStream<Blob>;
  chat(): ClientDuplexStream<Text, Text>;
}

/** Bare grpc-js with the codecs of ts-proto: what others are compared with. */
export const contender: Contender = {
  serve(tls) {
    const server = new Server();
    server.addService(Bench, {
      hello,
      work: slow,
      park: parked,
      release: released,
      place: same,
      echo: same,
      download: (call: ServerWritableStream<DownloadRequest, Blob>) => void download(call),
      chat,
    });
    const shown = tls
      ? ServerCredentials.createSsl(null, [{ cert_chain: tls.cert, private_key: tls.key }])
      : ServerCredentials.createInsecure();
    return new Promise((resolve, reject) =>
      server.bindAsync("127.0.0.1:0", shown, (error, port) => {
        if (error) reject(error);
        else resolve({ port, close: async () => server.forceShutdown() });
      }),
    );
  },

  async connect(port, { tls }) {
    const trust = tls ? credentials.createSsl(tls.ca) : credentials.createInsecure();
    const client = new BenchClient(`127.0.0.1:${port}`, trust, channelOptions);
    return through(client as never, () => client.close());
  },
};

function through(client: Methods, close: () => void): Caller {
  const call = <I, O>(method: CallUnary<I, O>, request: I) =>
    new Promise<O>((resolve, reject) =>
      method.call(client, request, (error, reply) => (error === null ? resolve(reply) : reject(error))),
    );
  return {
    hello: async () => (await call(client.hello, { text: "world" })).text,
    work: async () => (await call(client.work, { text: "world" })).text,
    park: () => call(client.park, { text: "" }),
    release: () => call(client.release, { text: "" }),
    place: async () => (await call(client.place, order)).total,
    echo: async (data) => (await call(client.echo, { data })).data.length,
    download: (count, size) =>
      new Promise((resolve, reject) => {
        let bytes = 0;
        const stream = client.download({ count, size });
        stream.on("data", ({ data }: Blob) => {
          bytes += data.length;
        });
        stream.on("end", () => resolve(bytes));
        stream.on("error", reject);
      }),
    chat: (count) =>
      new Promise((resolve, reject) => {
        let received = 0;
        const stream = client.chat();
        stream.on("data", () => {
          if (++received === count) stream.end();
          else stream.write({ text: "ping" });
        });
        stream.on("end", () => resolve(received));
        stream.on("error", reject);
        stream.write({ text: "ping" });
      }),
    close: async () => close(),
  };
}
