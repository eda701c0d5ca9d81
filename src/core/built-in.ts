import type { Method } from "./method.ts";

/** Health and reflection, which a server answers by itself: what watches a server must see it whatever else is refused. */
export function isBuiltIn({ service }: Pick<Method, "service">): boolean {
  return service.startsWith("grpc.health.") || service.startsWith("grpc.reflection.");
}
