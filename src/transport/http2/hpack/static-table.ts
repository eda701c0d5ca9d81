/** HPACK's static table; index 1 is the first entry. RFC 7541, appendix A. */
const entries: readonly (readonly [name: string, value: string])[] = [
  [":authority", ""],
  [":method", "GET"],
  [":method", "POST"],
  [":path", "/"],
  [":path", "/index.html"],
  [":scheme", "http"],
  [":scheme", "https"],
  [":status", "200"],
  [":status", "204"],
  [":status", "206"],
  [":status", "304"],
  [":status", "400"],
  [":status", "404"],
  [":status", "500"],
  ["accept-charset", ""],
  ["accept-encoding", "gzip, deflate"],
  ["accept-language", ""],
  ["accept-ranges", ""],
  ["accept", ""],
  ["access-control-allow-origin", ""],
  ["age", ""],
  ["allow", ""],
  ["authorization", ""],
  ["cache-control", ""],
  ["content-disposition", ""],
  ["content-encoding", ""],
  ["content-language", ""],
  ["content-length", ""],
  ["content-location", ""],
  ["content-range", ""],
  ["content-type", ""],
  ["cookie", ""],
  ["date", ""],
  ["etag", ""],
  ["expect", ""],
  ["expires", ""],
  ["from", ""],
  ["host", ""],
  ["if-match", ""],
  ["if-modified-since", ""],
  ["if-none-match", ""],
  ["if-range", ""],
  ["if-unmodified-since", ""],
  ["last-modified", ""],
  ["link", ""],
  ["location", ""],
  ["max-forwards", ""],
  ["proxy-authenticate", ""],
  ["proxy-authorization", ""],
  ["range", ""],
  ["referer", ""],
  ["refresh", ""],
  ["retry-after", ""],
  ["server", ""],
  ["set-cookie", ""],
  ["strict-transport-security", ""],
  ["transfer-encoding", ""],
  ["user-agent", ""],
  ["vary", ""],
  ["via", ""],
  ["www-authenticate", ""],
];

/** How many entries stand before the dynamic table's. */
export const STATIC_COUNT = 61;
export const staticNames: readonly string[] = ["", ...entries.map(([name]) => name)];
export const staticValues: readonly string[] = ["", ...entries.map(([, value]) => value)];

/** By `name` the first index with that name; by `name`, a zero byte and the value, the index of the pair. */
export const staticIndex: ReadonlyMap<string, number> = indexEntries();

function indexEntries(): Map<string, number> {
  const index = new Map<string, number>();
  entries.forEach(([name, value], i) => {
    if (!index.has(name)) index.set(name, i + 1);
    if (value !== "") index.set(`${name}\0${value}`, i + 1);
  });
  return index;
}

/** What an entry counts for, in a table and in a list of headers. RFC 7541, section 4.1. */
export function entrySize(name: string, value: string): number {
  return name.length + value.length + 32;
}
