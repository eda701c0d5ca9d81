import { leastLoaded } from "../../../src/balance/least-loaded.ts";
import { zoneAware } from "../../../src/balance/zone-aware.ts";
import { ms, percent, type Section } from "../section.ts";
import { arrivals, createClient, createWorld, load, percentileMs } from "../world.ts";

/** How calls keep to their zone, and how they leave it when it is too small for them. */
export async function zones(): Promise<Section> {
  const rows: string[][] = [];
  for (const ofZone of [0.3, 0.7, 1, 1.5, 2]) {
    for (const aware of [true, false]) {
      const world = createWorld({ servers: 30 });
      const { servers, random } = world;
      const balancer = leastLoaded({ random });
      const handle = createClient(world, servers, {
        balancer: () => (aware ? zoneAware({ zone: "a", balancer }) : balancer),
      });
      const perSecond = (ofZone * world.capacity) / 3;
      const outcomes = await load(world, [handle], { perSecond, durationMs: 20_000, timeoutMs: 10_000 });
      const near = servers.filter(({ endpoint }) => endpoint.metadata?.zone === "a");
      rows.push([
        percent(ofZone),
        aware ? "zoneAware" : "leastLoaded",
        percent(arrivals(near) / outcomes.length),
        ms(percentileMs(outcomes, 0.5)),
        ms(percentileMs(outcomes, 0.99)),
      ]);
    }
  }
  return {
    title: "Zones",
    about:
      "A client in a zone with ten of thirty servers, whose load is a part, or a multiple, of what its own zone can do. The " +
      "others have no load of their own, and the way to them costs nothing.",
    columns: ["load, of the zone's capacity", "balancer", "stays in the zone", "p50", "p99"],
    rows,
  };
}
