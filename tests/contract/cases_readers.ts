/** A response's body read at once, by each method and of each kind. */
import type { CaseEnv, ContractCase } from "./contract.ts";
import { className, hex, outcome, summary } from "./observe.ts";

async function read(
  env: CaseEnv,
  path: string,
  how: (response: Response) => Promise<unknown>,
): Promise<unknown> {
  const response = await fetch(env.url + path);
  const value = await outcome(() => how(response));
  return { value, bodyUsed: response.bodyUsed };
}

const readers: Readonly<Record<string, [path: string, how: (response: Response) => Promise<unknown>]>> = {
  "json": ["/json", (r) => r.json()],
  "json of what is no JSON": ["/text?body={not", (r) => r.json()],
  "json of nothing": ["/empty", (r) => r.json()],
  "json with a byte order mark": ["/hex?hex=efbbbf7b7d", (r) => r.json()],
  "text with a byte order mark": ["/hex?hex=efbbbf61", (r) => r.text()],
  "text of bytes that are no UTF-8": ["/hex?hex=61ff62c328", (r) => r.text()],
  "text of declared latin-1": ["/hex?hex=636166e9&type=text/plain;charset=iso-8859-1", (r) => r.text()],
  "arrayBuffer": ["/bytes", async (r) => {
    const buffer = await r.arrayBuffer();
    return { class: className(buffer), hex: hex(new Uint8Array(buffer)) };
  }],
  "bytes": ["/bytes", async (r) => {
    const bytes = await r.bytes();
    const { byteOffset, buffer } = bytes;
    return { class: className(bytes), byteOffset, buffer: buffer.byteLength, ...summary(bytes) };
  }],
  "blob": ["/bytes", async (r) => {
    const blob = await r.blob();
    return { class: className(blob), size: blob.size, type: blob.type, ...summary(await blob.bytes()) };
  }],
  "blob of a charset type": ["/headers", async (r) => (await r.blob()).type],
  "blob without a type": ["/text", async (r) => (await r.blob()).type],
  "blob of nothing": ["/empty", async (r) => (await r.blob()).size],
  "formData, url-encoded": [
    "/text?type=application/x-www-form-urlencoded&body=a%3D1%26b%3D%25C3%25BC%26a%3D2",
    async (r) => [...await r.formData()],
  ],
  "formData, multipart": ["/multipart", async (r) => {
    const form = await r.formData();
    const file = form.get("f") as File;
    return { a: form.get("a"), file: [className(file), file.name, file.type, file.size, await file.text()] };
  }],
  "formData of text": ["/text?type=text/plain", (r) => r.formData()],
  "formData without a type": ["/text", (r) => r.formData()],
  "a big body": ["/big", async (r) => summary(await r.bytes())],
};

export const readerCases: readonly ContractCase[] = Object.entries(readers).map(([name, [path, how]]) => ({
  name: `response read by ${name}`,
  run: (env: CaseEnv) => read(env, path, how),
}));
