// Who may call: the contract asks for it, tokens show it, and the handler sees who it is.
import { generateKeyPairSync } from "node:crypto";
import { SignJWT } from "jose";
import { createChannel, createClient, createServer, type RpcError } from "trunkline";
import { auth, bearer, identity, jwt } from "trunkline/auth";
import { Orders } from "../../gen/orders/v1/orders.rpc.ts";

// What an identity provider has. A real one gives its public keys at a URL: jwt({ jwks: "https://…", … }).
const { publicKey: key, privateKey } = generateKeyPairSync("ed25519");
const issuer = "https://id.example";
const audience = "orders";

function login(subject: string, scope: string): Promise<string> {
  const token = new SignJWT({ scope }).setProtectedHeader({ alg: "EdDSA" }).setExpirationTime("5 minutes");
  return token.setSubject(subject).setIssuer(issuer).setAudience(audience).sign(privateKey);
}

await using server = createServer({ interceptors: [auth(jwt({ key, issuer, audience }))] });
server.add(Orders, {
  menu: () => ({ dishes: ["soup", "pie"] }),
  place: ({ dish }, context) => ({ receipt: `${dish} for ${context.get(identity)?.subject}` }),
});
const endpoints = [await server.listen("127.0.0.1:0")];

await using channel = createChannel({ endpoints });
const nobody = createClient(Orders, channel);
const ada = createClient(Orders, channel, { interceptors: [bearer(() => login("Ada", "orders:write"))] });
const guest = createClient(Orders, channel, { interceptors: [bearer(() => login("a guest", ""))] });

console.log((await nobody.menu({})).dishes.join(", "));
console.log((await ada.place({ dish: "pie" })).receipt);
for (const client of [nobody, guest]) {
  await client.place({ dish: "pie" }).catch((error: RpcError) => console.log(error.codeName, error.message));
}
