/** One exchange in full, or one side or part of it. */

import type { Exchange } from "../../analyse/exchanges.ts";
import type { ShownDraw } from "../../analyse/lane_draws.ts";
import { fromUtf8 } from "../../base/bytes.ts";
import { formatTable, printable, type TableTarget } from "../../report/table.ts";
import type { ErrorShape, HeaderList } from "../../tape/events.ts";
import { bodyJson, bodyText, excerpt, isText } from "./body_text.ts";
import { answerText, modelAnswer, questionOf, questionText } from "./model_text.ts";
import { durationOf, exchangeJson, milliseconds } from "./run_view.ts";

/** Which sides of an exchange are wanted. */
export interface Sides {
  readonly request: boolean;
  readonly response: boolean;
}

function headersText(headers: HeaderList): string {
  return headers.map(([name, value]) => `${printable(name)}: ${printable(value)}\n`).join("");
}

function errorText(error: ErrorShape, indent = ""): string {
  const { name, message, fields, cause, errors } = error;
  const more = fields === "{}" ? "" : ` ${printable(fields)}`;
  return [
    `${indent}${printable(`${error.class || name}: ${message}`)}${more}\n`,
    ...(cause === undefined ? [] : [`${indent}  cause: ${errorText(cause, `${indent}  `).trimStart()}`]),
    ...errors.map((each) => errorText(each, `${indent}  `)),
  ].join("");
}

function endText(exchange: Exchange): string {
  const took = durationOf(exchange);
  switch (exchange.end) {
    case "complete":
      return `complete after ${milliseconds(took)} ms`;
    case "failed":
      return `failed after ${milliseconds(took)} ms`;
    case "cancelled":
      return `cancelled by the program after ${milliseconds(took)} ms`;
    case "unread":
      return "the program ended without reading the body to its end";
    case "open":
      return "still open when the recording ended";
  }
}

function requestText(exchange: Exchange): string {
  const { request } = exchange;
  const question = questionOf(exchange);
  return [
    `${printable(`${request.method} ${request.url}`)}\n`,
    headersText(request.headers),
    ...(question === undefined ? [] : [`\n${questionText(question)}`]),
    `\n${bodyText(exchange.requestBody())}`,
  ].join("");
}

function responseText(exchange: Exchange): string {
  const { head, error, startedAt, headAt, chunks } = exchange;
  const answer = modelAnswer(exchange);
  const ended = `  ${endText(exchange)}\n`;
  const failure = error === undefined ? "" : `\n${errorText(error)}`;
  if (head === undefined || headAt === undefined) return `no response\n${ended}${failure}`;
  const size = `${exchange.responseSize} bytes in ${chunks.length} chunk${chunks.length === 1 ? "" : "s"}`;
  return [
    `${printable(`${head.status} ${head.statusText}`.trimEnd())}\n`,
    headersText(head.headers),
    ...(head.url === undefined
      ? []
      : [`  from      ${printable(head.url)}${head.redirected ? " (redirected)" : ""}\n`]),
    `\n  head after ${milliseconds(headAt - startedAt)} ms, ${size}\n`,
    ended,
    ...(answer === undefined ? [] : [`\n${answerText(answer)}`]),
    failure,
    `\n${bodyText(exchange.responseBody())}`,
  ].join("");
}

/** An exchange for people. */
export function stepText(tape: string, exchange: Exchange, sides: Sides): string {
  const { step, lane, startedAt, drawCount } = exchange;
  const both = sides.request && sides.response;
  const head = `step ${step} of ${tape}, ${milliseconds(startedAt)} ms into the run` +
    `${lane === 0 ? "" : `, process ${lane}`}, followed by ${drawCount} draws\n\n`;
  return [
    ...(both ? [head, "── request\n"] : []),
    ...(sides.request ? [requestText(exchange)] : []),
    ...(both ? ["\n── response\n"] : []),
    ...(sides.response ? [responseText(exchange)] : []),
  ].join("");
}

/** An exchange as the keys of a JSON document. */
export function stepJson(tape: string, exchange: Exchange, sides: Sides): object {
  const { request, head, startedAt, headAt } = exchange;
  const since = (at: number | undefined) => at === undefined ? null : (at - startedAt) / 1000;
  const question = questionOf(exchange);
  const answer = modelAnswer(exchange);
  return {
    tape,
    ...exchangeJson(exchange),
    ...(sides.request
      ? {
        request: {
          method: request.method,
          url: request.url,
          headers: request.headers,
          body: bodyJson(exchange.requestBody()),
          model: question === undefined ? null : {
            provider: question.provider,
            api: question.api,
            model: question.model ?? null,
            messages: question.messages,
            last_user_text: question.lastUserText ?? null,
            tools: question.tools,
          },
        },
      }
      : {}),
    ...(sides.response
      ? {
        response: head === undefined ? null : {
          status: head.status,
          status_text: head.statusText,
          url: head.url ?? request.url,
          redirected: head.redirected,
          headers: head.headers,
          head_ms: since(headAt),
          body: head.hasBody ? bodyJson(exchange.responseBody()) : null,
          model: answer === undefined ? null : {
            api: answer.api,
            text: answer.text,
            thinking: answer.thinking,
            tool_calls: answer.toolCalls,
            usage: answer.usage === undefined ? null : {
              input: answer.usage.input,
              output: answer.usage.output,
              cache_read: answer.usage.cacheRead ?? 0,
              cache_write: answer.usage.cacheWrite ?? 0,
            },
            stop_reason: answer.stopReason ?? null,
            error: answer.error ?? null,
          },
        },
      }
      : {}),
    chunk_list: exchange.chunks.map(({ size, at }, number) => ({ number, ms: since(at), bytes: size })),
    draw_list: exchange.draws(),
  };
}

/** One line a chunk: number, milliseconds since the request, bytes, how it begins. */
export function chunksText(exchange: Exchange, target: TableTarget): string {
  return formatTable(
    ["chunk", "ms", "bytes", "begins"],
    exchange.chunks.map((chunk, number) => {
      const bytes = exchange.chunkBody(chunk);
      return [
        String(number),
        milliseconds(chunk.at - exchange.startedAt),
        String(chunk.size),
        isText(bytes) ? excerpt(fromUtf8(bytes)) : "(no text)",
      ];
    }),
    target,
  );
}

/** A draw with the step that it came after; null before a lane's first. */
export interface DrawRow extends ShownDraw {
  readonly step: number | null;
}

/** Draws of exchanges, and of what stands before the first of them. */
export function drawRows(
  groups: readonly { readonly step?: number; draws(): readonly ShownDraw[] }[],
): readonly DrawRow[] {
  return groups.flatMap((group) => group.draws().map((draw) => ({ step: group.step ?? null, ...draw })));
}

/** One line a draw: the step that it came after (`-` before the first), kind, value. */
export function drawsText(rows: readonly DrawRow[], target: TableTarget): string {
  return formatTable(
    ["step", "kind", "value"],
    rows.map(({ step, kind, value }) => [String(step ?? "-"), kind, value]),
    target,
  );
}
