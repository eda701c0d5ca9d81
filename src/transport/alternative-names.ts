/**
 * The names of a certificate, with what each is: `DNS:billing.example`. Node writes a name that could be mistaken for
 * another, or for two, as a string of JSON.
 */
export function namesIn(subjectAltName: string): string[] {
  const quoted = /"(?:[^"\\]|\\.)*"/g;
  const names = subjectAltName.match(/(?:[^",]|"(?:[^"\\]|\\.)*")+/g) ?? [];
  return names.map((name) => name.trim().replace(quoted, (text) => JSON.parse(text) as string));
}
