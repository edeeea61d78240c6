/** The echo: what of a request reached the wire, as JSON. */
import { Buffer } from "node:buffer";
import type { Exchange } from "./origin.ts";
import { answerJson } from "./origin_send.ts";

/**
 * Answers with method, target, headers (name as sent, value), framing and body. A body of printable ASCII comes
 * as `text`, any other as `hex` with at most 1000 bytes of it; `length` and `sum` cover the whole.
 */
export function echo(exchange: Exchange): void {
  const { method, target, rawHeaders, framing, body } = exchange.request;
  const latin1 = Buffer.from(body).toString("latin1");
  const printable = /^[\r\n\t -~]*$/.test(latin1) && body.length <= 2000;
  const content = printable ? { text: latin1 } : { hex: Buffer.from(body.subarray(0, 1000)).toString("hex") };
  let sum = 0;
  for (const byte of body) sum = (Math.imul(sum, 31) + byte) >>> 0;
  const value = { method, target, headers: rawHeaders, framing, length: body.length, sum, ...content };
  // HEAD can't show a body, so the method is repeated where it can be seen.
  answerJson(exchange, value, [["x-method", method], ["x-body-length", String(body.length)]]);
}
